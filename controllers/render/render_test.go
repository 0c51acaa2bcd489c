package render

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
)

const gatewayManifest = `
apiVersion: d1gateway.io/v1alpha1
kind: MerchantGateway
metadata: {name: acme}
spec:
  gatewayID: MGW_000001
  merchants: {items: [{id: "40010000001"}]}
  delivery: {url: "https://vault.acme.example/d1"}
`

const existingManifest = `
apiVersion: d1gateway.io/v1alpha1
kind: OAuthClient
metadata: {name: thales}
spec:
  gatewayRef: {name: acme}
  credentials: {secretName: agreed, source: Existing}
`

const generatedManifest = `
apiVersion: d1gateway.io/v1alpha1
kind: OAuthClient
metadata: {name: generated}
spec:
  gatewayRef: {name: acme}
  credentials: {secretName: made-here}
`

func secretManifest(clientSecret string) string {
	return `
apiVersion: v1
kind: Secret
metadata: {name: agreed, labels: {d1gateway.io/allow-use: "true"}}
stringData: {client_id: is_tbank01, client_secret: "` + clientSecret + `"}
`
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// places are an input and an output directory.
type places struct {
	t       *testing.T
	in, out string
}

func newPlaces(t *testing.T, manifests ...string) *places {
	t.Helper()
	p := &places{t: t, in: t.TempDir(), out: filepath.Join(t.TempDir(), "state")}
	p.write("all.yaml", manifests...)
	return p
}

func (p *places) write(name string, manifests ...string) {
	p.t.Helper()
	path := filepath.Join(p.in, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Join(manifests, "---\n")), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the command and answers its exit status and what it printed.
func (p *places) run(now time.Time) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = Run([]string{"-f", p.in, "-o", p.out}, &out, &errs, now)
	return status, out.String(), errs.String()
}

// must runs the command, which must answer the status.
func (p *places) must(status int, now time.Time) (stdout, stderr string) {
	p.t.Helper()
	got, stdout, stderr := p.run(now)
	if got != status {
		p.t.Fatalf("exit status %d, want %d\n%s%s", got, status, stdout, stderr)
	}
	return stdout, stderr
}

// files answers the content of every file below the output directory, by path.
func (p *places) files() map[string]string {
	p.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(p.out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, p.out+"/")] = string(raw)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func document[D serving.Document](p *places, name string) D {
	p.t.Helper()
	d, err := serving.Decode([]byte(p.files()[name]))
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return d.(D)
}

func TestTheBaseCase(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, secretManifest("123"))
	stdout, stderr := p.must(exitReady, start)
	if stderr != "" {
		t.Errorf("it complains: %s", stderr)
	}
	gateway := document[*serving.Gateway](p, "gateway.default.acme.json")
	if gateway.GatewayID != "MGW_000001" || gateway.Merchants[0].ID != "40010000001" || gateway.Issuer != DefaultExternalURL+"/merchant-gateways/MGW_000001" {
		t.Errorf("the gateway is %+v", gateway)
	}
	if missing := gateway.Missing(document[*serving.GatewaySecrets](p, "gateway-secrets.default.acme.json")); missing != "" {
		t.Errorf("%s is missing", missing)
	}
	client := document[*serving.Client](p, "client.default.thales.json")
	if client.ClientID != "is_tbank01" || client.Gateway != "acme" || !client.Credentials[0].Digest.Equal(serving.DigestSecret("123")) || !client.TokensNotBefore.Equal(start) {
		t.Errorf("the client is %+v", client)
	}
	if !strings.Contains(p.files()["secrets/default.acme-delivery-signing.yaml"], "whsec_") {
		t.Error("the delivery signing secret is not among the generated Secrets")
	}
	for _, want := range []string{"all.yaml: MerchantGateway default/acme: Ready=True Ready: ", "all.yaml: OAuthClient default/thales: CredentialsReady=True WeakSecret: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no line holds %q in\n%s", want, stdout)
		}
	}
	if lines := strings.Count(stdout, "\n"); lines != 9 {
		t.Errorf("%d lines, want one for each of 9 conditions\n%s", lines, stdout)
	}
}

func TestASecondRunWritesNothing(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, generatedManifest, secretManifest("123"))
	p.must(exitReady, start)
	before, stats := p.files(), p.stats()
	p.must(exitReady, start.Add(24*time.Hour))
	for path, info := range p.stats() {
		if old := stats[path]; old == nil || !os.SameFile(info, old) || !info.ModTime().Equal(old.ModTime()) {
			t.Errorf("%s was written again", path)
		}
	}
	if after := p.files(); len(after) != len(before) {
		t.Errorf("there were %d files, now %d", len(before), len(after))
	}
}

func (p *places) stats() map[string]os.FileInfo {
	p.t.Helper()
	all := map[string]os.FileInfo{}
	for path := range p.files() {
		info, err := os.Stat(filepath.Join(p.out, path))
		if err != nil {
			p.t.Fatal(err)
		}
		all[path] = info
	}
	return all
}

func TestOneRunAlsoPrunes(t *testing.T) {
	p := newPlaces(t, strings.Replace(gatewayManifest, "delivery: {", "delivery: {signing: {secretRef: {name: signing}}, ", 1), signingManifest("whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ=="))
	p.must(exitReady, start)
	p.write("all.yaml", strings.Replace(gatewayManifest, "delivery: {", "delivery: {signing: {secretRef: {name: signing}}, ", 1), signingManifest("whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMg=="))
	p.must(exitReady, start)
	secrets := document[*serving.GatewaySecrets](p, "gateway-secrets.default.acme.json")
	if len(secrets.SigningSecrets) != 1 || secrets.SigningSecrets[0].Secret.Reveal() != "whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMg==" {
		t.Errorf("%d signing secrets, want the second one only", len(secrets.SigningSecrets))
	}
}

func signingManifest(secret string) string {
	return `
apiVersion: v1
kind: Secret
metadata: {name: signing, labels: {d1gateway.io/allow-use: "true"}}
stringData: {secret: "` + secret + `"}
`
}

func TestNoSecretIsPrinted(t *testing.T) {
	const planted = "planted-secret-of-more-than-32-characters"
	p := newPlaces(t, gatewayManifest, existingManifest, generatedManifest, secretManifest(planted),
		"apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\ndata: {a: "+planted+"}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: broken2}\nstringData: {a: {b: "+planted+"}}\n")
	stdout, stderr := p.must(exitNotReady, start)
	generated := between(p.files()["secrets/default.made-here.yaml"], "client_secret: ", "\n")
	for _, secret := range []string{planted, generated} {
		if secret == "" || strings.Contains(stdout+stderr, secret) {
			t.Errorf("a secret is printed:\n%s%s", stdout, stderr)
		}
	}
}
