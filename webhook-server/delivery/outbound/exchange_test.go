package outbound

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestTheTokenRequestIsReadAsTheLibrarySendsIt(t *testing.T) {
	type request struct{ authorization, contentType, body string }
	requests := make(chan request, 2)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- request{r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"t","token_type":"Bearer"}`)
	}))
	defer s.Close()
	c := &serving.ClientCredentials{
		TokenURL: s.URL, ClientID: clientID, ClientSecret: api.NewSecret(clientSecret), Scopes: []string{"hooks:write", "a/b"}, Endpoint: &serving.Endpoint{},
	}
	transports, _ := withClock(t)
	if _, err := transports.exchange(t.Context(), "o", c); err != nil {
		t.Fatal(err)
	}
	library := clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: s.URL, Scopes: c.Scopes, AuthStyle: 2}
	if _, err := library.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ours, theirs := <-requests, <-requests; ours != theirs {
		t.Errorf("sent %+v, golang.org/x/oauth2 sends %+v", ours, theirs)
	}
}

func TestWhatIsNoTokenIsNamedAndNotRepeated(t *testing.T) {
	const planted = "planted-in-an-answer"
	for name, answer := range map[string]http.HandlerFunc{
		"an error of RFC 6749": text(400, `{"error":"invalid_client","error_description":"`+planted+`"}`),
		"another error":        text(400, `{"error":"`+planted+`"}`),
		"an error with 200":    text(200, `{"error":"invalid_client","error_description":"`+planted+`"}`),
		"no JSON":              text(200, planted),
		"a list":               text(200, `["`+planted+`"]`),
		"a number for a token": text(200, `{"access_token":17,"x":"`+planted+`"}`),
		"an empty token":       text(200, `{"access_token":"","x":"`+planted+`"}`),
		"a token of two lines": text(200, `{"access_token":"`+planted+`\r\nX-Injected: 1"}`),
		"a token of spaces":    text(200, `{"access_token":"`+planted+` b"}`),
		"a token too long":     text(200, `{"access_token":"`+strings.Repeat("t", maxToken+1)+`"}`),
		"another type":         text(200, `{"access_token":"`+planted+`","token_type":"mac"}`),
		"a long answer":        text(200, `{"access_token":"t","x":"`+strings.Repeat(planted, 4000)+`"}`),
		"another 2xx":          text(201, `{"access_token":"`+planted+`"}`),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/"+planted, http.StatusTemporaryRedirect)
		},
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"an answer that breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"access_token":"`+planted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, d := newAuthorizationServer(t), newResource(t)
			a.answers(answer)
			transports, _ := withClock(t)
			_, err := do(t, transports, "payments/acme", d.URL, a.endpoint(), 10*time.Second)
			if FaultOf(err) != FaultTokenUnavailable {
				t.Fatalf("%v", err)
			}
			if detail := Detail(err); detail == "" || strings.Contains(err.Error()+detail, planted) || strings.Contains(err.Error(), clientSecret) {
				t.Errorf("error %q, detail %q", err, detail)
			}
			if name == "an error of RFC 6749" && !strings.Contains(Detail(err), "invalid_client") {
				t.Errorf("detail %q does not say what is wrong", Detail(err))
			}
			if len(d.seen) != 0 || a.issued.Load() != 1 {
				t.Errorf("%d requests went out, %d to the token endpoint", len(d.seen), a.issued.Load())
			}
		})
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAnAccessTokenDoesNotPrint(t *testing.T) {
	token, err := parseToken(200, []byte(`{"access_token":"planted"}`), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(verb, token) + fmt.Sprintf(verb, *token); strings.Contains(printed, "planted") {
			t.Errorf("%s: %s", verb, printed)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"t","token_type":"Bearer","expires_in":3600}`))
	f.Add(200, []byte(`{"access_token":"t","expires_in":"3600"}`))
	f.Add(200, []byte(`{"access_token":"t\n","expires_in":-1}`))
	f.Add(400, []byte(`{"error":"invalid_client"}`))
	f.Add(200, []byte(`{"expires_in":1e400}`))
	began := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := parseToken(status, body, began)
		if (token == nil) == (err == nil) {
			t.Fatalf("%v and %v", token, err)
		}
		if err != nil {
			return
		}
		value := token.Text.Reveal()
		if status != 200 || value == "" || strings.ContainsAny(value, " \r\n\t\x00") {
			t.Errorf("%d: token %q", status, value)
		}
		if token.fresh.Before(began) || token.usable.Before(token.fresh) || token.usable.Sub(began) > longestLifetime {
			t.Errorf("fresh until %s, usable until %s", token.fresh, token.usable)
		}
	})
}
