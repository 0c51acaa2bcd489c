package schema

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const repository = "../.."

func TestEverySampleIsValid(t *testing.T) {
	paths, err := samples()
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d samples: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			validateAll(t, raw, true)
		})
	}
}

func samples() ([]string, error) {
	top, err := filepath.Glob(repository + "/config/samples/*.yaml")
	if err != nil {
		return nil, err
	}
	full, err := filepath.Glob(repository + "/config/samples/*/*.yaml")
	return append(top, full...), err
}

// TestTheFullSamplesHoldEveryField keeps config/samples/full complete when a field is added. Fields that exclude each other stand in several samples.
func TestTheFullSamplesHoldEveryField(t *testing.T) {
	v := newValidator(t)
	for gvk, k := range v.kinds {
		together := map[string]any{}
		for _, name := range map[string][]string{
			"MerchantGateway": {"gateway.yaml", "gateway-generated.yaml"},
			"OAuthClient":     {"oauthclient.yaml", "oauthclient-keys.yaml", "oauthclient-certificate.yaml"},
		}[gvk.Kind] {
			raw, err := os.ReadFile(repository + "/config/samples/full/" + name)
			if err != nil {
				t.Fatal(err)
			}
			together = merge(together, parse(t, string(raw)))
		}
		for _, path := range absent(k.structural.Properties["spec"], together["spec"], "spec") {
			t.Errorf("the full samples of %s lack %s", gvk.Kind, path)
		}
	}
}

// absent answers the fields of the schema that no value has.
func absent(s structural.Structural, value any, path string) []string {
	if items, ok := value.([]any); ok && s.Items != nil {
		together := map[string]any{}
		for _, item := range items {
			if fields, ok := item.(map[string]any); ok {
				together = merge(together, fields)
			}
		}
		return absent(*s.Items, together, path+"[]")
	}
	fields, _ := value.(map[string]any)
	var missing []string
	for name, child := range s.Properties {
		at := path + "." + name
		if v, there := fields[name]; there {
			missing = append(missing, absent(child, v, at)...)
		} else {
			missing = append(missing, at)
		}
	}
	return missing
}

// fenced matches ```yaml blocks of Markdown, indented ones in lists too.
var fenced = regexp.MustCompile("(?ms)^([ \t]*)```ya?ml[^\n]*\n(.*?)^[ \t]*```")

func TestEveryYAMLBlockInTheDocsIsValid(t *testing.T) {
	blocks := 0
	visit := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, block := range fenced.FindAllSubmatch(text, -1) {
			blocks++
			body := regexp.MustCompile("(?m)^"+string(block[1])).ReplaceAll(block[2], nil)
			t.Run(filepath.Base(path), func(t *testing.T) { validateAll(t, body, false) })
		}
		return nil
	}
	if err := filepath.WalkDir(repository+"/docs", visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if readme, err := os.ReadFile(repository + "/README.md"); err == nil {
		for _, block := range fenced.FindAllSubmatch(readme, -1) {
			t.Run("README.md", func(t *testing.T) { validateAll(t, block[2], false) })
		}
	}
	t.Logf("validated %d blocks", blocks)
}

// validateAll validates the resources of this project in a stream of YAML documents. Others must be YAML of some kind in samples; blocks of
// the docs may be fragments.
func validateAll(t *testing.T, raw []byte, whole bool) {
	t.Helper()
	v := newValidator(t)
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !whole && !strings.Contains(string(document), "apiVersion: d1gateway.io/") {
			continue
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		data, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		obj := new(unstructured.Unstructured)
		if err := obj.UnmarshalJSON(data); err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		if !v.Knows(obj.GroupVersionKind()) {
			continue
		}
		if obj.GetNamespace() == "" {
			obj.SetNamespace("default")
		}
		unstructured.RemoveNestedField(obj.Object, "status")
		for _, err := range v.Validate(t.Context(), obj, nil) {
			t.Errorf("%s %s: %v", obj.GetKind(), obj.GetName(), err)
		}
	}
}
