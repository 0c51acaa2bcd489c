package translate_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden plays testdata/<case>.in.yaml and compares what comes of it with <case>.out.yaml, conditions included.
//
// A case is a story in steps. A document of kind Step begins one; the resources, Secrets and previous documents after it are applied over
// those of the steps before. At the end of a step every resource is translated and its output applied, as a reconciler would.
// A value "file:NAME" in a Secret stands for the content of testdata/pem/NAME.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("found %d cases: %v", len(cases), err)
	}
	validator, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(in), ".in.yaml"), func(t *testing.T) {
			got := play(t, validator, in)
			golden := strings.TrimSuffix(in, ".in.yaml") + ".out.yaml"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; look at it with -update and git diff\n%s", golden, firstDifference(got, want))
			}
		})
	}
}

// step is a document of kind Step.
type step struct {
	Kind string    `json:"kind"`
	Name string    `json:"name"`
	Now  time.Time `json:"now"`
	// ExternalURL is the operator's flag; it stays until a step sets another.
	ExternalURL *string `json:"externalURL"`
	// Delete lists resources and Secrets to delete, as Kind/name.
	Delete []string `json:"delete"`
	// Crash ends the step before the documents are written: Secrets and GatewaySecrets are.
	Crash bool `json:"crash"`
	// Served says whether every server replica serves the documents that are written; true when absent.
	Served *bool `json:"served"`
	// Uses say when credentials were last used, by id; they stay until a step says others.
	Uses map[string]time.Time `json:"uses"`
	// NoReplica has no server replica live: no use is known until a step says one.
	NoReplica bool `json:"noReplica"`
	// Restarted has the operator forget what it has seen.
	Restarted bool `json:"restarted"`
	// Unchecked leaves out the schema's validation: the resource was stored under another schema.
	Unchecked bool `json:"unchecked"`
}

func play(t *testing.T, validator *schema.Validator, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, validator)
	var current *step
	var out bytes.Buffer
	finish := func() {
		if current != nil {
			out.WriteString("---\n")
			out.Write(w.run(*current))
		}
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			finish()
			return out.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]any{}
		if err := yaml.UnmarshalStrict(document, &fields); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch {
		case len(fields) == 0: // a comment
		case fields["kind"] == "Step":
			finish()
			current = new(step)
			if err := yaml.UnmarshalStrict(document, current); err != nil {
				t.Fatal(err)
			}
			w.begin(*current)
		case fields["format"] != nil:
			w.addPrevious(document)
		default:
			w.apply(document, current.Unchecked)
		}
	}
}

// apply puts a resource or Secret in place of the one of its name.
func (w *world) apply(document []byte, unchecked bool) {
	w.t.Helper()
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		w.t.Fatal(err)
	}
	obj := new(unstructured.Unstructured)
	if err := obj.UnmarshalJSON(raw); err != nil {
		w.t.Fatal(err)
	}
	if obj.GetKind() == "Secret" {
		secret := new(corev1.Secret)
		if err := yaml.UnmarshalStrict(document, secret); err != nil {
			w.t.Fatal(err)
		}
		w.secrets[secret.Name] = withData(w.t, secret)
		return
	}
	if !unchecked {
		for _, err := range w.validator.Validate(w.t.Context(), obj, nil) {
			w.t.Fatalf("%s %s: %v", obj.GetKind(), obj.GetName(), err)
		}
	}
	w.validator.Default(obj)
	if obj.GetKind() == "MerchantGateway" {
		g := new(v1alpha1.MerchantGateway)
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, g)
		if old := w.gateways[g.Name]; old != nil {
			g.Status = old.Status
		}
		w.gateways[g.Name] = g
	} else {
		c := new(v1alpha1.OAuthClient)
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, c)
		if old := w.clients[c.Name]; old != nil {
			c.Status = old.Status
		}
		w.clients[c.Name] = c
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func withData(t *testing.T, secret *corev1.Secret) *corev1.Secret {
	t.Helper()
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, text := range secret.StringData {
		var content strings.Builder
		for part := range strings.SplitSeq(text, "+") {
			file, ok := strings.CutPrefix(part, "file:")
			if !ok {
				content.WriteString(part)
				continue
			}
			raw, err := os.ReadFile(filepath.Join("testdata", "pem", file))
			if err != nil {
				t.Fatal(err)
			}
			content.Write(raw)
		}
		secret.Data[key] = []byte(content.String())
		if !strings.Contains(text, "file:") {
			secret.Data[key] = []byte(text)
		}
	}
	secret.StringData = nil
	return secret
}

func (w *world) addPrevious(document []byte) {
	w.t.Helper()
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		w.t.Fatal(err)
	}
	var head serving.Header
	if err := yaml.Unmarshal(raw, &head); err != nil {
		w.t.Fatal(err)
	}
	documents := map[serving.Kind]serving.Document{serving.KindGateway: new(serving.Gateway), serving.KindGatewaySecrets: new(serving.GatewaySecrets), serving.KindClient: new(serving.Client)}
	if err := yaml.UnmarshalStrict(raw, documents[head.Kind]); err != nil {
		w.t.Fatal(err)
	}
	w.documents[head.ObjectName()] = documents[head.Kind]
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return strings.Join(append([]string{"got:"}, g[max(0, i-3):min(len(g), i+6)]...), "\n") +
				strings.Join(append([]string{"\nwant:"}, w[min(len(w), max(0, i-3)):min(len(w), i+6)]...), "\n")
		}
	}
	return "it ends early"
}
