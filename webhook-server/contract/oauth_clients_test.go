package contract_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// lifecycleOrder is what testdata/clients/lifecycle.mjs reads, lifecycleEnd what it writes.
type lifecycleOrder struct {
	Setting   string `json:"setting"`
	Issuer    string `json:"issuer"`
	NotifyURL string `json:"notifyURL"`
	ID        string `json:"id"`
	Secret    string `json:"secret"`
	Key       string `json:"key"`
}

type lifecycleEnd struct {
	Issuer        string `json:"issuer"`
	TokenEndpoint string `json:"tokenEndpoint"`
	Notified      int    `json:"notified"`
	Live          object `json:"live"`
	Dead          object `json:"dead"`
	Garbage       object `json:"garbage"`
	NotifiedAfter int    `json:"notifiedAfter"`
	Error         string `json:"error"`
}

// lifecycles are OAuth clients that are told the issuer alone: they read the metadata, get a token, notify, ask about it and revoke it.
var lifecycles = []struct {
	client, script string
	setting        string
	byKey          bool // the client has a key in place of a secret
	// fails is a part of what the client says where it must fail.
	fails string
}{
	{client: "openid-client", script: "openid-client-lifecycle.mjs", fails: "challenge basic d1 UTF-8"}, // client_secret_post, whatever the metadata says
	{client: "openid-client", script: "openid-client-lifecycle.mjs", setting: "ClientSecretBasic"},
	{client: "openid-client", script: "openid-client-lifecycle.mjs", setting: "ClientSecretBasic at its well-known URL"},
	{client: "openid-client", script: "openid-client-lifecycle.mjs", setting: "ClientSecretBasic at the path of OpenID Connect", fails: "unexpected HTTP response status code"},
	{client: "openid-client", script: "openid-client-lifecycle.mjs", setting: "PrivateKeyJwt", byKey: true},
	{client: "oauth4webapi", script: "oauth4webapi-lifecycle.mjs", setting: "ClientSecretBasic"},
	{client: "oauth4webapi", script: "oauth4webapi-lifecycle.mjs", setting: "PrivateKeyJwt", byKey: true},
	{client: "authlib", script: "with_authlib_lifecycle.py", setting: "without expires_at"},
}

func TestRealClientsFollowATokenFromTheMetadataToItsEnd(t *testing.T) {
	t.Parallel()
	key := fixture.NewClientKey(t, "key", "ES256")
	der, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	w := running.StartTLS(t, func(w *running.World) {
		withOther(w)
		withKeys(key)(w)
		w.Planted(keyPEM, strings.Split(keyPEM, "\n")[1], realSecrets[generatedSecret])
		w.Documents.Client.Credentials = []api.Credential{fixture.Credential("first", realSecrets[generatedSecret], fixture.Now())}
	})
	// The clients call the URLs of the metadata, which are the issuer's.
	w.Documents.Gateway.Issuer = w.URL() + ownPath
	w.Publish()
	for _, c := range lifecycles {
		t.Run(strings.TrimSuffix(c.client+" with "+c.setting, " with "), func(t *testing.T) {
			t.Parallel()
			order := lifecycleOrder{Setting: c.setting, Issuer: w.Documents.Gateway.Issuer, NotifyURL: w.URL() + fixture.NotifyPath, ID: fixture.ClientID, Secret: realSecrets[generatedSecret]}
			if c.byKey {
				order.ID, order.Secret, order.Key = keyClientID, "", keyPEM
			}
			var end lifecycleEnd
			if strings.HasSuffix(c.script, ".py") {
				carryOut(t, w, order, &end, debianProgram(t, "/usr/bin/python3"), "-B", filepath.Join(copyOfScripts(t), c.script))
			} else {
				carryOut(t, w, order, &end, debianProgram(t, "node"), filepath.Join(scriptsWithModules(t), c.script))
			}
			if c.fails != "" {
				if !strings.Contains(end.Error, c.fails) {
					t.Errorf("it fails with %q and not with %q", end.Error, c.fails)
				}
				return
			}
			end.check(t, w, order)
		})
	}
}

func (e lifecycleEnd) check(t *testing.T, w *running.World, order lifecycleOrder) {
	t.Helper()
	if e.Error != "" {
		t.Fatalf("it fails with %s", e.Error)
	}
	if e.Issuer != order.Issuer || e.TokenEndpoint != w.URL()+fixture.TokenPath {
		t.Errorf("it has discovered %s and %s", e.Issuer, e.TokenEndpoint)
	}
	if e.Notified != http.StatusNoContent || e.NotifiedAfter != http.StatusUnauthorized {
		t.Errorf("its notifications are answered %d and, after the revocation, %d", e.Notified, e.NotifiedAfter)
	}
	if e.Live["active"] != true || e.Live["client_id"] != order.ID || e.Live["iss"] != order.Issuer {
		t.Errorf("of the live token it is told %v", e.Live)
	}
	for _, dead := range []object{e.Dead, e.Garbage} {
		if len(dead) != 1 || dead["active"] != false {
			t.Errorf("of a dead token it is told %v", dead)
		}
	}
}
