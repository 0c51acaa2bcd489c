package docs

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

const adminPage = "docs/admin-api.md"

// TestTheAdministrationPageHasEveryOperationParameterAndStatus holds the page against the OpenAPI document that the server answers.
func TestTheAdministrationPageHasEveryOperationParameterAndStatus(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(repository, adminPage))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	text, err := os.ReadFile(filepath.Join(repository, "webhook-server/admin/openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	shown := func(what, code string) {
		if !strings.Contains(page, "`"+code+"`") && !strings.Contains(page, "`"+code+" ") && !strings.Contains(page, `"`+code+`"`) && !strings.Contains(page, "`"+code+"=") {
			t.Errorf("%s does not show the %s %s", adminPage, what, code)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			shown("operation", method+" "+path)
			for _, p := range operation.Parameters {
				if p.Value.In == "query" {
					shown("parameter", p.Value.Name)
				}
			}
			for status := range operation.Responses.Map() {
				if status != "200" && !strings.Contains(page, "| "+status) && !strings.Contains(page, status+" |") {
					t.Errorf("%s does not show the status %s", adminPage, status)
				}
			}
		}
	}
	for _, schema := range []string{"Replay", "Replayed", "Destination", "Pause"} {
		for name := range doc.Components.Schemas[schema].Value.Properties {
			shown("member of "+schema, name)
		}
	}
}

// TestTheCommandsOfTheAdministrationPageAreTakenAsTheyStand runs each against a server. That there is nothing by the names that they give is no mistake of theirs.
func TestTheCommandsOfTheAdministrationPageAreTakenAsTheyStand(t *testing.T) {
	page, url := readPage(t, filepath.Join(repository, adminPage)), administration(t)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("a-token-that-this-server-asks-nobody-for"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder) // where the page's --token-file is
	ran := 0
	for _, s := range page.sections {
		for _, b := range s.blocks {
			if b.language != "sh" {
				continue
			}
			for line := range strings.Lines(b.body) {
				_, line, ours := strings.Cut(strings.TrimSpace(line), "webhook-server ")
				words := shellWords(line)
				if !ours || words[0] == "store" {
					continue
				}
				ran++
				if status, errs := typed(t.Context(), url, words); status == cli.ExitUsage {
					t.Errorf("%q is refused: %s", line, errs)
				}
			}
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands were found", ran)
	}
}

// TestTheRequestsOfTheAdministrationPageAreTaken decodes its JSON as the server's own types, strictly.
func TestTheRequestsOfTheAdministrationPageAreTaken(t *testing.T) {
	var asked []wire.Replay
	for _, s := range readPage(t, filepath.Join(repository, adminPage)).sections {
		for _, b := range s.blocks {
			if b.language != "json" || s.heading != "Replay" {
				continue
			}
			decoder := json.NewDecoder(strings.NewReader(b.body))
			decoder.DisallowUnknownFields()
			var ask wire.Replay
			if err := decoder.Decode(&ask); err != nil {
				t.Errorf("%s: %v", b.body, err)
			}
			asked = append(asked, ask)
		}
	}
	if len(asked) != 2 || asked[0].Filter != asked[1].Filter || !asked[0].DryRun || asked[1].ConfirmCount == nil || asked[1].At.IsZero() {
		t.Errorf("a dry run and its replay are not there: %+v", asked)
	}
}

func typed(ctx context.Context, url string, words []string) (status int, errs string) {
	var e strings.Builder
	status = cli.Run(ctx, words, cli.Environment{
		In: strings.NewReader("0\n"), Out: io.Discard, Err: &e, Interactive: true, Now: time.Now,
		Getenv: func(name string) string { return map[string]string{"D1GATEWAY_ADMIN": url}[name] },
	})
	return status, e.String()
}

// administration serves the API over an empty store without authentication.
func administration(t *testing.T) (url string) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	handler, err := admin.NewHandler(admin.Options{Store: s, Lanes: func() []string { return []string{"payments/acme/MGW_000001"} }, Open: true, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// shellWords cuts a line at spaces outside double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}
