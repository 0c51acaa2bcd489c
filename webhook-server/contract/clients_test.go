package contract_test

import (
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// realClientID holds everything that a client id may hold and that some client escapes. A colon is not among them (RFC 7617 section 2).
const realClientID = `is_tbank01/%2F+&="\`

// The kinds of secret.
const (
	plainSecret     = "plain"
	generatedSecret = "generated"
	percentSecret   = "a percent sign alone"
	plusSecret      = "plus, space and path characters"
	reservedSecret  = "what JSON, URLs, forms and Basic credentials escape"
	notASCIISecret  = "letters beyond ASCII"
)

// realSecrets are all live at once.
var realSecrets = map[string]string{
	plainSecret:     "123",
	generatedSecret: "Zk9vT3hQe2x7R1bNq_8mJdYw-5cLsUaGhE4iKpVtXo0",
	percentSecret:   "100%",
	plusSecret:      "+ /?#",
	reservedSecret:  `a:b%2F+c d&="\`,
	notASCIISecret:  "a:b%2F+c d&=é\"\\", // not a secret by RFC 6749 appendix A.2, but an Existing one may be such
}

// everySecret says that one thing is expected with all secrets.
func everySecret(what string) map[string]string {
	all := map[string]string{}
	for name := range realSecrets {
		all[name] = what
	}
	return all
}

// exceptFor says that something else is expected with one of them.
func exceptFor(all map[string]string, name, what string) map[string]string {
	all[name] = what
	return all
}

// realClients are OAuth clients as their users have them: each gets a token and sends a notification, with each kind of secret and at the
// token endpoint of each dialect. Where a library's default does not do, the entry after it is the setting that does.
var realClients = []struct {
	client  string
	setting string // "" is the default; otherwise the name that the script knows
	post    bool   // the gateway allows client_secret_post
	run     func(*testing.T, clientOrder) []clientEnd
	// fails says for which secrets there is no token, and a part of what the client then says.
	fails map[string]string
	// mended says that later releases than Debian 12 has may get a token all the same.
	mended bool
}{
	{client: "golang.org/x/oauth2", run: goClient},
	{client: "golang.org/x/oauth2", setting: "AuthStyleInHeader", run: goClient},
	{client: "golang.org/x/oauth2", setting: "AuthStyleInParams", run: goClient, fails: everySecret("invalid_client")},
	{client: "golang.org/x/oauth2", setting: "AuthStyleInParams", post: true, run: goClient},

	// This library has no default, the caller chooses.
	{client: "oauth4webapi", setting: "ClientSecretBasic", run: nodeScript("oauth4webapi.mjs")},
	{client: "oauth4webapi", setting: "ClientSecretPost", post: true, run: nodeScript("oauth4webapi.mjs")},

	// It sends the secret in the body unless the caller or the server's metadata say otherwise.
	{client: "openid-client", run: nodeScript("openid-client.mjs"), fails: everySecret("challenge basic d1 UTF-8")},
	{client: "openid-client", post: true, run: nodeScript("openid-client.mjs")},
	{client: "openid-client", setting: "ClientSecretBasic", run: nodeScript("openid-client.mjs")},

	// It refuses secrets that RFC 6749 appendix A.2 does not know, and no setting changes that.
	{client: "simple-oauth2", run: nodeScript("simple-oauth2.mjs"), fails: map[string]string{notASCIISecret: "ValidationError"}},
	{client: "simple-oauth2", setting: "credentialsEncodingMode: loose", run: nodeScript("simple-oauth2.mjs"), fails: map[string]string{notASCIISecret: "ValidationError"}},

	// By default it escapes the colon and nothing else, so that what it sends of a secret with colon and percent or plus has no single reading.
	{client: "@badgateway/oauth2-client", run: nodeScript("badgateway.mjs"), fails: map[string]string{reservedSecret: "invalid_client", notASCIISecret: "invalid_client"}},
	{client: "@badgateway/oauth2-client", setting: "client_secret_basic", run: nodeScript("badgateway.mjs")},

	// Release 1.2 takes expires_at for seconds since 1970, D1's documents want RFC 3339. It sends the secret in ISO 8859-1.
	{client: "authlib", run: pythonScript("with_authlib.py"), fails: exceptFor(everySecret("ValueError"), notASCIISecret, "invalid_client"), mended: true},
	{client: "authlib", setting: "without expires_at", run: pythonScript("with_authlib.py"), fails: map[string]string{notASCIISecret: "invalid_client"}},
	{client: "authlib", setting: "without expires_at, form-encoded", run: pythonScript("with_authlib.py")},

	// It sends the secret in ISO 8859-1.
	{client: "requests-oauthlib", run: pythonScript("with_requests_oauthlib.py"), fails: map[string]string{notASCIISecret: "invalid_client"}},
	{client: "requests-oauthlib", setting: "form-encoded", run: pythonScript("with_requests_oauthlib.py")},

	{client: "curl", setting: "--http2", run: curlClient("2")},
	{client: "curl", setting: "--http1.1", run: curlClient("1.1")},
}

func TestRealClientsGetATokenAndNotify(t *testing.T) {
	t.Parallel()
	for _, c := range realClients {
		name := c.client
		if c.setting != "" {
			name += " with " + c.setting
		}
		if c.post {
			name += " where client_secret_post is allowed"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startForRealClients(t, c.post)
			ends := c.run(t, orderFor(w, c.setting))
			if want := 2 * len(realSecrets); len(ends) != want {
				t.Fatalf("%d ends in place of %d: %v", len(ends), want, ends)
			}
			for _, end := range ends {
				expected := c.fails[end.Name]
				if c.mended && end.Error == "" {
					expected = ""
				}
				if wrong := end.wrong(expected); wrong != "" {
					t.Errorf("with a secret of the kind %q at %s: %s", end.Name, end.TokenURL, wrong)
				}
			}
		})
	}
}

func startForRealClients(t *testing.T, post bool) *running.World {
	t.Helper()
	return running.StartTLS(t, func(w *running.World) {
		w.Planted(realSecrets[generatedSecret], realSecrets[reservedSecret])
		client := w.Documents.Client
		client.ClientID, client.Credentials = realClientID, nil
		for name, secret := range realSecrets {
			id := strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(name))
			client.Credentials = append(client.Credentials, fixture.Credential(id, secret, fixture.Now().Add(-time.Hour)))
		}
		if post {
			w.Documents.Gateway.AuthMethods = append(w.Documents.Gateway.AuthMethods, api.ClientSecretPost)
		}
	})
}
