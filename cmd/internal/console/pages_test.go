package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console"
	"kindred/cmd/internal/reading"
)

// A browser without a cookie gets the form, which needs what lies in front of the gate, and then the page that it wanted.
func TestPagesAreShownToWhoHasLoggedIn(t *testing.T) {
	server := &console.Server{Tokens: []config.Token{{Name: "ann", Value: token, Editor: true}}, Facts: &reading.Facts{Book: &reading.Book{}}}
	base := listen(t, server)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	t.Cleanup(client.CloseIdleConnections)
	text := func(response *http.Response, err error) (at, body string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		all, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", response.Request.URL, response.StatusCode, err)
		}
		return response.Request.URL.RequestURI(), string(all)
	}
	at, form := text(client.Get(base + "/runs?id=vip"))
	if at != "/login?to="+url.QueryEscape("/runs?id=vip") || !strings.Contains(form, `action="/login"`) {
		t.Fatalf("without a cookie one gets to %s", at)
	}
	for _, static := range regexp.MustCompile(`/static/[^"]*`).FindAllString(form, -1) {
		if at, _ := text(client.Get(base + static)); at != static {
			t.Errorf("the form's %s leads to %s", static, at)
		}
	}
	to := regexp.MustCompile(`name="to" value="([^"]*)"`).FindStringSubmatch(form)[1]
	at, page := text(client.PostForm(base+"/login", url.Values{"token": {token}, "to": {to}}))
	if at != "/runs?id=vip" || !strings.Contains(page, "<bdi>ann</bdi>") || !strings.Contains(page, "No run on record") {
		t.Errorf("logged in, one gets to %s", at)
	}
}
