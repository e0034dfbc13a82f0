# golearn's classifier is C++, so building needs g++ and running needs libstdc++, which the second image has.
FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The binary can be loaded anywhere in memory (PIE), binds all symbols at its start (BIND_NOW, RELRO), and its C++ notices when
# its stack has been overwritten.
ARG VERSION=unknown
ENV CGO_ENABLED=1 \
    CGO_CFLAGS="-O2 -fstack-protector-strong" \
    CGO_CXXFLAGS="-O2 -fstack-protector-strong"
RUN go build -trimpath -buildmode=pie \
    -ldflags "-s -w -X main.release=${VERSION} -linkmode=external -extldflags '-Wl,-z,relro,-z,now'" \
    -o /kindred ./cmd/kindred
# The licences of everything that is linked in.
RUN go list -deps -f '{{with .Module}}{{.Path}} {{.Dir}}{{end}}' ./cmd/kindred | sort -u | while read -r module dir; do \
      mkdir -p "/licences/$module" && \
      find "$dir" -maxdepth 1 -type f \( -iname '*licen[cs]e*' -o -iname 'notice*' -o -iname 'patents' \) -exec cp {} "/licences/$module/" \; ; \
    done

FROM gcr.io/distroless/cc-debian13:nonroot
ARG VERSION=unknown
LABEL org.opencontainers.image.title="kindred" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /kindred /usr/local/bin/kindred
COPY --from=build /licences /usr/share/doc/kindred/licences
COPY LICENSE NOTICE /usr/share/doc/kindred/
# It writes nothing to its own file system: run it with a read-only one. Only an embedded Kafka needs a folder, and that is yours.
USER nonroot
EXPOSE 8080
ENTRYPOINT ["kindred"]
CMD ["serve"]
