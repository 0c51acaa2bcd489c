package render

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/schema"
)

const defaultNamespace = "default"

// manifests is what was read. A resource that is not valid is reported and left out; then failed is set.
type manifests struct {
	validator *schema.Validator
	stderr    io.Writer

	gateways []v1alpha1.MerchantGateway
	clients  []v1alpha1.OAuthClient
	secrets  map[string]*corev1.Secret // by namespace/name
	// files tells which file a resource stands in, by kind and namespace/name.
	files  map[string]string
	failed bool
}

// place is where something stands, for messages.
type place struct {
	file     string
	document int // from 1
	item     int // from 1 in a List, else 0
}

func (p place) String() string {
	if p.item > 0 {
		return fmt.Sprintf("%s: document %d, item %d", p.file, p.document, p.item)
	}
	return fmt.Sprintf("%s: document %d", p.file, p.document)
}

func (m *manifests) fail(at fmt.Stringer, format string, args ...any) {
	m.failed = true
	_, _ = fmt.Fprintf(m.stderr, "%s: %s\n", at, fmt.Sprintf(format, args...))
}

// empty says whether there was no resource at all, not even one that could not be read.
func (m *manifests) empty() bool { return !m.failed && len(m.gateways)+len(m.clients) == 0 }

// read reads a file, or every manifest below a directory except below the output directory and in hidden ones.
func (m *manifests) read(ctx context.Context, input, output string) error {
	m.secrets, m.files = map[string]*corev1.Secret{}, map[string]string{}
	out, err := os.Stat(output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking at output directory: %w", err)
	}
	return filepath.WalkDir(input, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading manifests: %w", err)
		}
		if entry.IsDir() {
			info, err := entry.Info()
			if err != nil {
				return fmt.Errorf("reading manifests: %w", err)
			}
			if path != input && ((out != nil && os.SameFile(info, out)) || strings.HasPrefix(entry.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path != input && (strings.HasPrefix(entry.Name(), ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path))) {
			return nil
		}
		return m.readFile(ctx, path)
	})
}

func (m *manifests) readFile(ctx context.Context, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading manifest: %w", err)
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for at := (place{file: path, document: 1}); ; at.document++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading manifest %s: %w", path, err)
		}
		m.readDocument(ctx, at, document)
	}
}

func (m *manifests) readDocument(ctx context.Context, at place, document []byte) {
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		m.fail(at, "not YAML: %v", err)
		return
	}
	if string(raw) == "null" {
		return // nothing but comments
	}
	obj := new(unstructured.Unstructured)
	if err := obj.UnmarshalJSON(raw); err != nil {
		m.fail(at, "not a Kubernetes object: apiVersion and kind are needed")
		return
	}
	if !obj.IsList() {
		m.take(ctx, at, obj)
		return
	}
	items, _, err := unstructured.NestedSlice(obj.Object, "items")
	if err != nil {
		m.fail(at, "items: not a list")
		return
	}
	for i, item := range items {
		at.item = i + 1
		fields, ok := item.(map[string]any)
		if !ok {
			m.fail(at, "not a Kubernetes object")
			continue
		}
		one := &unstructured.Unstructured{Object: fields}
		if one.GetKind() == "" && obj.GetKind() != "List" {
			// A typed list such as MerchantGatewayList does not repeat the kind.
			one.SetAPIVersion(obj.GetAPIVersion())
			one.SetKind(strings.TrimSuffix(obj.GetKind(), "List"))
		}
		m.take(ctx, at, one)
	}
}

// take takes in one object. Kinds that have nothing to do with serving documents may stand in the same files; they are passed over with a notice.
func (m *manifests) take(ctx context.Context, at place, obj *unstructured.Unstructured) {
	if obj.GetNamespace() == "" {
		obj.SetNamespace(defaultNamespace)
	}
	gvk := obj.GroupVersionKind()
	isSecret := gvk == corev1.SchemeGroupVersion.WithKind("Secret")
	if !isSecret && !m.validator.Knows(gvk) {
		if gvk.Group == v1alpha1.GroupVersion.Group {
			m.fail(at, "kind: there is no %s in %s", gvk.Kind, gvk.GroupVersion())
			return
		}
		_, _ = fmt.Fprintf(m.stderr, "%s: notice: %s %s is passed over\n", at, obj.GetKind(), obj.GetName())
		return
	}
	key := keyOf(gvk.Kind, obj.GetNamespace(), obj.GetName())
	if other, ok := m.files[key]; ok {
		m.fail(at, "%s %s/%s is in %s already", gvk.Kind, obj.GetNamespace(), obj.GetName(), other)
		return
	}
	m.files[key] = at.file
	if isSecret {
		m.takeSecret(at, obj)
		return
	}
	m.takeResource(ctx, at, obj)
}

func (m *manifests) takeSecret(at place, obj *unstructured.Unstructured) {
	secret, err := toSecret(obj)
	if err != nil {
		m.fail(at, "Secret %s/%s: %v", obj.GetNamespace(), obj.GetName(), err)
		return
	}
	m.secrets[secret.Namespace+"/"+secret.Name] = secret
}

// toSecret answers the Secret with stringData merged into data, as the API server does. No error repeats what it holds.
func toSecret(obj *unstructured.Unstructured) (*corev1.Secret, error) {
	secret := new(corev1.Secret)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, secret, true); err != nil {
		return nil, errors.New("a field is unknown or of the wrong type; data must be base64, stringData text")
	}
	for key, text := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(text)
	}
	secret.StringData = nil
	return secret, nil
}

func (m *manifests) takeResource(ctx context.Context, at place, obj *unstructured.Unstructured) {
	// What a cluster adds to a resource means nothing outside it.
	unstructured.RemoveNestedField(obj.Object, "status")
	for _, name := range []string{"uid", "generation", "resourceVersion", "managedFields", "ownerReferences", "finalizers"} {
		unstructured.RemoveNestedField(obj.Object, "metadata", name)
	}
	errs := m.validator.Validate(ctx, obj, nil)
	for _, err := range errs {
		m.fail(at, "%s %s/%s: %v", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
	}
	if len(errs) > 0 {
		return
	}
	m.validator.Default(obj)
	var err error
	if obj.GetKind() == kindGateway {
		var g v1alpha1.MerchantGateway
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &g)
		m.gateways = append(m.gateways, g)
	} else {
		var c v1alpha1.OAuthClient
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &c)
		m.clients = append(m.clients, c)
	}
	if err != nil {
		m.fail(at, "%s %s/%s: %v", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
	}
}

func keyOf(kind, namespace, name string) string { return kind + " " + namespace + "/" + name }
