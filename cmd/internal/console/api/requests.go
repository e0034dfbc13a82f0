package api

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"kindred/cmd/internal/console/access"
	"kindred/pipeline/control"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// receipt says that a request was published. What becomes of it, its run says.
type receipt struct {
	RequestID   string         `json:"requestId"`
	ExpansionID string         `json:"expansionId"`
	Action      schemas.Action `json:"action"`
}

// request publishes the event that it is given. The same requestId twice is one request.
func (s *server) request(w http.ResponseWriter, r *http.Request) error {
	if visitor := access.Of(r.Context()); !visitor.Editor {
		return &problem{Status: http.StatusForbidden, Title: strings.TrimSpace("the token "+visitor.Name) + " is a viewer's, who may change nothing", Code: "viewer",
			Try: "use the token of an editor"}
	}
	body, err := event(w, r)
	if err != nil {
		return err
	}
	var request schemas.ExpandRequest
	if err := read(r, body, &request); err != nil {
		return err
	}
	if request.RequestID == "" {
		request.RequestID = rand.Text()
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), askWithin) // whoever goes away has asked all the same
	defer cancel()
	if err := s.Ask(limited, &request); err != nil {
		s.warn(r, err)
		return &problem{Status: http.StatusServiceUnavailable, Title: "Kafka has not acknowledged the request: it may have been made or not",
			RequestID: request.RequestID, Try: "send it again with this requestId, which is one request however often it comes", retry: true}
	}
	w.Header().Set("Location", "/api/runs/"+request.ExpansionID+"/"+url.PathEscape(request.RequestID))
	return write(w, http.StatusAccepted, receipt{request.RequestID, request.ExpansionID, request.Action})
}

// Kinds of content that hold an event.
const (
	contentJSON       = "application/json"
	contentStructured = "application/cloudevents+json"
)

// event returns the body of a request that brings an event.
func event(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || kind != contentJSON && kind != contentStructured || charset != "" && !strings.EqualFold(charset, "utf-8") || len(r.Header.Values("Content-Type")) > 1 {
		w.Header().Set("Accept-Post", contentJSON+", "+contentStructured)
		return nil, &problem{Status: http.StatusUnsupportedMediaType, Title: "an event comes as JSON in UTF-8", Try: "Content-Type: " + contentJSON}
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, &problem{Status: http.StatusUnsupportedMediaType, Title: "an event comes uncompressed", Try: "leave Content-Encoding out"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestRequest))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Title: "an event has at most 65,536 bytes", Code: schemas.TooLarge, Try: "name fewer fields or segments"}
	case err != nil:
		return nil, bad("send the whole event", "the body ended early, or came too slowly")
	}
	return body, nil
}

// read reads a request and refuses what could only fail. Whether what it asks for is possible, its run says.
func read(r *http.Request, body []byte, request *schemas.ExpandRequest) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	record := &wire.Record{Value: body, Headers: wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderContentType, Value: []byte(kind)})}
	gone, err := schemas.Read(record, request.Decode)
	switch {
	case err != nil:
		return err
	case gone:
		return bad("GET /api/openapi.json has the schema", "there is no event in the body")
	}
	refused := request.Unknown
	if refused == nil {
		refused = control.RefusedByValue(request)
	}
	if refused != nil {
		return &problem{Status: http.StatusUnprocessableEntity, Title: "its run would be refused", Detail: refused.Message, Code: refused.Code, Try: refused.Hint}
	}
	return nil
}
