package render

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

func TestEveryFormOfInput(t *testing.T) {
	p := newPlaces(t)
	p.write("a/list.yml", "apiVersion: v1\nkind: List\nitems:\n-"+indent(gatewayManifest))
	p.write("b/typed.yaml", "# a comment only\n", "apiVersion: d1gateway.io/v1alpha1\nkind: OAuthClientList\nitems:\n- metadata: {name: thales}\n  spec: {gatewayRef: {name: acme}, credentials: {secretName: agreed, source: Existing}}\n")
	p.write("c/secret.json", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"agreed","namespace":"default","labels":{"d1gateway.io/allow-use":"true"}},"data":{"client_id":"aXNfdGJhbmswMQ==","client_secret":"b3ZlcnJpZGRlbg=="},"stringData":{"client_secret":"123"}}`)
	p.write("d/other.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: payments}\n")
	p.write("notes.txt", "not a manifest")
	p.write(".hidden/broken.yaml", "not: [a manifest")
	_, stderr := p.must(exitReady, start)
	if !strings.Contains(stderr, "other.yaml: document 1: notice: Namespace payments is passed over") {
		t.Errorf("no notice of the other kind in %q", stderr)
	}
	client := document[*serving.Client](p, "client.default.thales.json")
	if client.ClientID != "is_tbank01" || !client.Credentials[0].Digest.Equal(serving.DigestSecret("123")) {
		t.Errorf("the client is %+v", client)
	}
}

// indent makes a manifest an item of a YAML list.
func indent(manifest string) string {
	return " " + strings.ReplaceAll(strings.TrimSpace(manifest), "\n", "\n  ") + "\n"
}

func TestASingleFileIsInputToo(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	p.in = filepath.Join(p.in, "all.yaml")
	p.must(exitReady, start)
	document[*serving.Gateway](p, "gateway.default.acme.json")
}

func TestWhatIsWrongIsNamedByFileDocumentAndField(t *testing.T) {
	for _, tc := range []struct{ name, manifest, want string }{
		{"a field against the schema", strings.Replace(gatewayManifest, "MGW_000001", "MGW_1", 1), "MerchantGateway default/acme: spec.gatewayID: "},
		{"an unknown field", strings.Replace(gatewayManifest, "delivery:", "deliveries: {}\n  delivery:", 1), "MerchantGateway default/acme: spec.deliveries: "},
		{"a rule", strings.Replace(gatewayManifest, `{url: "https://vault.acme.example/d1"}`, "{}", 1), "MerchantGateway default/acme: spec.delivery: "},
		{"a repeated key", gatewayManifest + "kind: MerchantGateway\n", "not YAML: "},
		{"no object", "[1, 2]\n", "not a Kubernetes object"},
		{"no kind", "apiVersion: v1\n", "not a Kubernetes object"},
		{"an unknown kind of the group", "apiVersion: d1gateway.io/v1alpha1\nkind: Gateway\nmetadata: {name: a}\n", "kind: there is no Gateway"},
		{"another version of the group", strings.Replace(gatewayManifest, "v1alpha1", "v1", 1), "kind: there is no MerchantGateway in d1gateway.io/v1"},
		{"a Secret with an unknown field", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {}\n", "Secret default/a: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlaces(t, existingManifest, tc.manifest)
			_, stderr := p.must(exitNotReady, start)
			if !strings.Contains(stderr, filepath.Join(p.in, "all.yaml")+": document 2: "+tc.want) {
				t.Errorf("got %q, want document 2 and %q", stderr, tc.want)
			}
		})
	}
}

func TestAResourceGivenTwiceIsRefused(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	p.write("again.yaml", gatewayManifest)
	_, stderr := p.must(exitNotReady, start)
	if !strings.Contains(stderr, "again.yaml") || !strings.Contains(stderr, "all.yaml") {
		t.Errorf("the message does not name both files: %q", stderr)
	}
}

func TestABrokenManifestTakesNothingAway(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, secretManifest("123"))
	p.must(exitReady, start)
	before := p.files()
	p.write("all.yaml", "not: [yaml\n")
	p.must(exitNotReady, start)
	if !maps.Equal(p.files(), before) {
		t.Error("documents were changed although the manifests cannot be read")
	}
	p.write("all.yaml", strings.Replace(gatewayManifest, "MGW_000001", "MGW_1", 1), existingManifest, secretManifest("123"))
	p.must(exitNotReady, start)
	if !maps.Equal(p.files(), before) {
		t.Error("documents were changed although a resource is not valid")
	}
}

func TestDocumentsOfResourcesThatAreGoneAreRemoved(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, generatedManifest, secretManifest("123"))
	p.must(exitReady, start)
	p.write("all.yaml", gatewayManifest, existingManifest, secretManifest("123"))
	p.must(exitReady, start)
	after := p.files()
	if _, there := after["client.default.generated.json"]; there || len(after) != 4 || after["secrets/default.made-here.yaml"] != "" {
		t.Errorf("without the generated client there is %v", keys(after))
	}
	// The last gateway is gone, a client is not: there is input, so what is gone is removed.
	p.write("all.yaml", existingManifest, secretManifest("123"))
	p.must(exitNotReady, start)
	if after := p.files(); len(after) != 1 || after["client.default.thales.json"] == "" {
		t.Errorf("without the gateway there is %v", keys(after))
	}
}

func TestInputWithoutAnyResourceChangesNothing(t *testing.T) {
	for name, input := range map[string]string{"only comments": "# nothing yet\n", "only a Secret": secretManifest("123"), "only another kind": "apiVersion: v1\nkind: Namespace\nmetadata: {name: payments}\n", "no file": ""} {
		t.Run(name, func(t *testing.T) {
			p := newPlaces(t, gatewayManifest, generatedManifest)
			p.must(exitReady, start)
			before := p.files()
			p.write("all.yaml", input)
			if input == "" {
				p.in = t.TempDir()
			}
			_, stderr := p.must(exitNotReady, start)
			if !strings.Contains(stderr, "-f "+p.in) {
				t.Errorf("the message does not name -f: %q", stderr)
			}
			if !maps.Equal(p.files(), before) {
				t.Error("documents were changed")
			}
			p.out = filepath.Join(t.TempDir(), "never")
			p.must(exitNotReady, start)
			if _, err := os.Stat(p.out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the output directory was made: %v", err)
			}
		})
	}
}

func keys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestAConflictIsWithdrawn(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	p.must(exitReady, start)
	p.write("all.yaml", gatewayManifest, strings.Replace(gatewayManifest, "name: acme", "name: aaa", 1))
	stdout, _ := p.must(exitNotReady, start)
	if !strings.Contains(stdout, "MerchantGateway default/acme: Accepted=False GatewayIDConflict: ") {
		t.Errorf("no conflict in\n%s", stdout)
	}
	for path := range p.files() {
		if strings.Contains(path, ".acme.json") {
			t.Errorf("%s is still there", path)
		}
	}
}

func TestTwoExistingSecretsWithOneClientIDAreAConflict(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, strings.Replace(existingManifest, "name: thales", "name: zweiter", 1), secretManifest("123"))
	stdout, _ := p.must(exitNotReady, start)
	if !strings.Contains(stdout, "OAuthClient default/zweiter: Accepted=False ClientIDConflict: ") || !strings.Contains(stdout, "OAuthClient default/thales: Ready=True") {
		t.Errorf("the conflict is not decided:\n%s", stdout)
	}
}

func TestTheOutputDirectoryIsNotInput(t *testing.T) {
	p := newPlaces(t, gatewayManifest, generatedManifest)
	p.out = filepath.Join(p.in, "state")
	p.must(exitReady, start)
	before := p.files()
	_, stderr := p.must(exitReady, start)
	if stderr != "" || !maps.Equal(before, p.files()) {
		t.Errorf("the second run differs: %s", stderr)
	}
}

func TestDamagedOutputStopsTheRun(t *testing.T) {
	for _, path := range []string{"gateway.default.acme.json", "secrets/default.acme-delivery-signing.yaml"} {
		p := newPlaces(t, gatewayManifest)
		p.must(exitReady, start)
		damaged := filepath.Join(p.out, path)
		if err := os.WriteFile(damaged, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := p.files()
		_, stderr := p.must(exitNotReady, start)
		if !strings.Contains(stderr, damaged) || !maps.Equal(before, p.files()) {
			t.Errorf("it went on, or does not name the file: %q", stderr)
		}
	}
}

func TestADocumentUnderAnotherNameStopsTheRun(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	p.must(exitReady, start)
	if err := os.Rename(filepath.Join(p.out, "gateway.default.acme.json"), filepath.Join(p.out, "gateway.default.other.json")); err != nil {
		t.Fatal(err)
	}
	p.must(exitNotReady, start)
}
