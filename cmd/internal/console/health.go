package console

import (
	"fmt"
	"net/http"
	"strings"

	"kindred/cmd/internal/reading"
)

// longestText bounds what is said of one part.
const longestText = 300 // bytes

// ready answers /readyz with a line a part: 200 when all are ready, else 503.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	var parts []reading.Part
	if s.Parts != nil {
		parts = s.Parts()
	}
	var lines strings.Builder
	for _, part := range parts {
		text := strings.Join(strings.Fields(part.Text), " ") // one line
		if len(text) > longestText {
			text = strings.ToValidUTF8(text[:longestText], "") + "..."
		}
		if part.Ready {
			fmt.Fprintf(&lines, "%s: %s\n", part.Name, text)
		} else {
			fmt.Fprintf(&lines, "%s: not ready: %s\n", part.Name, text)
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	verdict := "ready"
	if !reading.Ready(parts) {
		verdict = "not ready"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "%s\n%s", verdict, lines.String())
}
