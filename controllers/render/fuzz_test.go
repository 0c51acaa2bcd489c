package render

import (
	"bytes"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/controllers/schema"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// FuzzManifest: whatever stands in a file, it is taken in as valid, passed over, or reported; nothing else.
func FuzzManifest(f *testing.F) {
	validator, err := schema.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(gatewayManifest))
	f.Add([]byte(generatedManifest))
	f.Add([]byte(secretManifest("123")))
	f.Add([]byte("apiVersion: v1\nkind: List\nitems:\n-" + indent(gatewayManifest)))
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [null, 1, {}]\n"))
	f.Add([]byte("apiVersion: d1gateway.io/v1alpha1\nkind: OAuthClient\nmetadata: 7\nspec: []\n"))
	f.Fuzz(func(t *testing.T, document []byte) {
		var stderr bytes.Buffer
		m := &manifests{validator: validator, stderr: &stderr, secrets: map[string]*corev1.Secret{}, files: map[string]string{}}
		m.readDocument(t.Context(), place{file: "f", document: 1}, document)
		if m.failed && stderr.Len() == 0 {
			t.Error("it failed without saying why")
		}
		d, err := openDirectory(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{manifests: m, directory: d, externalURL: DefaultExternalURL, now: start, generate: translate.NewGenerator(), stdout: io.Discard}
		if _, err := w.render(); err != nil {
			t.Errorf("what was taken in cannot be rendered: %v", err)
		}
	})
}
