package render

import (
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

func keysManifest(more string) string {
	return `
apiVersion: d1gateway.io/v1alpha1
kind: OAuthClient
metadata: {name: partner}
spec:
  gatewayRef: {name: acme}
  clientID: "4111111111111111"
  credentials:
    method: PrivateKeyJWT
    jwks: '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"` + more + `}]}'
`
}

const listsKeys = "  authentication: {tokenEndpointMethods: [ClientSecretBasic, PrivateKeyJWT]}\n"

func TestAClientWithoutASecretIsRendered(t *testing.T) {
	p := newPlaces(t, gatewayManifest, keysManifest(""))
	stdout, _ := p.must(exitNotReady, start)
	if !strings.Contains(stdout, "ResolvedRefs=False MethodNotAllowed") {
		t.Errorf("it does not say that the method is not listed:\n%s", stdout)
	}
	p.write("all.yaml", gatewayManifest+listsKeys, keysManifest(""))
	p.must(exitReady, start)
	files := p.files()
	document, err := serving.Decode([]byte(files["client.default.partner.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if client, ok := document.(*serving.Client); !ok || len(client.PublicKeys) != 1 || client.ClientID != "4111111111111111" {
		t.Errorf("the document is %+v", document)
	}
	for name := range files {
		if strings.HasPrefix(name, "secrets/") && !strings.Contains(name, "delivery-signing") {
			t.Errorf("there is a Secret for it: %s", name)
		}
	}
}

func TestNoCardNumberIsPrinted(t *testing.T) {
	const planted = "cGxhbnRlZCBwcml2YXRlIGtleSwgbmV2ZXIgdG8gYmUgc2hvd24"
	taken := strings.Replace(keysManifest(""), "name: partner", "name: partner-2", 1)
	pasted := strings.Replace(keysManifest(`,"d":"`+planted+`"`), "name: partner", "name: partner-3", 1)
	p := newPlaces(t, gatewayManifest+listsKeys, keysManifest(""), taken, strings.Replace(pasted, "41111", "51111", 1))
	stdout, stderr := p.must(exitNotReady, start)
	if !strings.Contains(stdout, "ClientIDConflict") || !strings.Contains(stdout, "************1111") || !strings.Contains(stdout, "make a new key") {
		t.Fatalf("neither the conflict nor the private key is told:\n%s", stdout)
	}
	if strings.Contains(stdout+stderr, "4111111111111111") || strings.Contains(stdout+stderr, planted) {
		t.Errorf("a card number or a key is printed:\n%s%s", stdout, stderr)
	}
}
