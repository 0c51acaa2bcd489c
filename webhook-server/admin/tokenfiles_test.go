package admin_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const fileToken = "administration-token-of-a-test-only"

func TestTheTokensOfAFileAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ops.token")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fileToken + "\n")
	w := serve(t, func(_ *world, o *admin.Options) { o.Open, o.TokenFiles = false, []string{path} })
	w.add(shopLane, store.Dead)
	status := func(token string) int {
		w.token = token
		got, _ := w.call(http.MethodGet, "/v1/notifications", "")
		return got
	}
	for token, want := range map[string]int{"": 401, fileToken: 200, fileToken + "x": 401, fileToken[:len(fileToken)-1]: 401} {
		if got := status(token); got != want {
			t.Errorf("%q is answered %d", token, got)
		}
	}
	w.token = fileToken
	var page wire.Destinations
	w.post("/v1/destinations/pause", `{"destination":"`+shopLane+`"}`, &page)
	if got := page.Items[0].Pauses[0].By; got != "file:ops.token" {
		t.Errorf("by %q", got)
	}
	const next = "the-next-administration-token-of-a-test"
	for _, step := range []struct {
		text         string
		former, next int
	}{{fileToken + "\r\n\n" + next, 200, 200}, {next, 401, 200}, {"short", 401, 401}, {"", 401, 401}, {next, 401, 200}} {
		write(step.text)
		w.advance(2 * time.Second)
		if former, now := status(fileToken), status(next); former != step.former || now != step.next {
			t.Errorf("with %q: the former is answered %d, the next %d", step.text, former, now)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.advance(2 * time.Second)
	if got := status(next); got != http.StatusUnauthorized {
		t.Errorf("without the file: %d", got)
	}
	for _, token := range []string{fileToken, next} {
		if strings.Contains(w.log.String(), token) {
			t.Error("the log holds a token")
		}
	}
}

func TestAFileThatHoldsNoGoodTokenIsRefusedAtTheStart(t *testing.T) {
	for _, text := range []string{"", "\n\n", "short", strings.Repeat("x", 70_000), strings.Repeat(fileToken+"\n", 40)} {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := admin.Options{TokenFiles: []string{path}, Logger: slog.New(slog.DiscardHandler)}
		if _, err := admin.NewHandler(o); err == nil || len(text) > 4 && strings.Contains(err.Error(), text[:5]) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := admin.NewHandler(admin.Options{TokenFiles: []string{filepath.Join(t.TempDir(), "none")}}); err == nil {
		t.Error("a file that is not there is taken")
	}
	if _, err := admin.NewHandler(admin.Options{}); err == nil {
		t.Error("an API that nobody can call, or everybody, is made without a word")
	}
}
