# golearn's classifier is C++, so building needs g++ and running needs libstdc++, which the second image has.
FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -ldflags '-s -w' -o /kindred ./cmd/kindred

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /kindred /usr/local/bin/kindred
USER nonroot
EXPOSE 8080
ENTRYPOINT ["kindred"]
CMD ["serve"]
