package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/serving"
)

const (
	directoryMode = 0o700
	fileMode      = 0o600
	documentFile  = ".json"
	secretFile    = ".yaml"
)

// directory is the output directory: documents as NAME.json and, below secrets, generated Secrets as NAMESPACE.NAME.yaml.
type directory struct {
	path string
	// documents are those found, by object name.
	documents map[string]serving.Document
	// generated are the generated Secrets found, by namespace/name.
	generated map[string]*corev1.Secret
}

// openDirectory creates the directory where needed and reads what an earlier run wrote. What it cannot read is an error: going on without
// would end keys and secrets that are in use.
func openDirectory(path string) (*directory, error) {
	d := &directory{path: path, documents: map[string]serving.Document{}, generated: map[string]*corev1.Secret{}}
	if err := os.MkdirAll(d.secretsPath(), directoryMode); err != nil {
		return nil, fmt.Errorf("making output directory: %w", err)
	}
	// The output directory itself may be somebody's choice, such as a volume; what is made in it is not.
	if err := tighten(d.secretsPath(), directoryMode); err != nil {
		return nil, err
	}
	if err := eachFile(path, documentFile, d.readDocument); err != nil {
		return nil, err
	}
	return d, eachFile(d.secretsPath(), secretFile, d.readGenerated)
}

func (d *directory) secretsPath() string { return filepath.Join(d.path, "secrets") }

func eachFile(path, suffix string, read func(name string, content []byte) error) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("reading output directory: %w", err)
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok || entry.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		file := filepath.Join(path, entry.Name())
		content, err := os.ReadFile(file)
		if err == nil {
			err = read(name, content)
		}
		if err != nil {
			return fmt.Errorf("reading what an earlier run wrote to %s (remove it to begin anew): %w", file, err)
		}
		if err := tighten(file, fileMode); err != nil {
			return err
		}
	}
	return nil
}

// tighten takes away the permissions beyond mode, which a copy or a backup may have added.
func tighten(path string, mode fs.FileMode) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&^mode != 0 {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		return fmt.Errorf("limiting %s to its owner: %w", path, err)
	}
	return nil
}

func (d *directory) readDocument(name string, content []byte) error {
	document, err := serving.Decode(content)
	if err != nil {
		return err
	}
	if want := document.Head().ObjectName(); want != name {
		return fmt.Errorf("it holds the document %s", want)
	}
	d.documents[name] = document
	return nil
}

func (d *directory) readGenerated(_ string, content []byte) error {
	raw, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return errors.New("not YAML")
	}
	obj := new(unstructured.Unstructured)
	if err := obj.UnmarshalJSON(raw); err != nil {
		return errors.New("not a Kubernetes object")
	}
	secret, err := toSecret(obj)
	if err != nil {
		return err
	}
	d.generated[secret.Namespace+"/"+secret.Name] = secret
	return nil
}

// writeDocument writes a document.
func (d *directory) writeDocument(document serving.Document) error {
	content, err := serving.Encode(document)
	if err != nil {
		return fmt.Errorf("encoding document: %w", err)
	}
	name := document.Head().ObjectName()
	if err := writeFile(filepath.Join(d.path, name+documentFile), content); err != nil {
		return err
	}
	d.documents[name] = document
	return nil
}

// writeGenerated writes a generated Secret as a manifest.
func (d *directory) writeGenerated(secret *corev1.Secret) error {
	shown := map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"namespace": secret.Namespace, "name": secret.Name, "labels": secret.Labels, "annotations": secret.Annotations},
		"type":       string(secret.Type),
		"stringData": texts(secret.Data),
	}
	content, err := yaml.Marshal(shown)
	if err != nil {
		return fmt.Errorf("encoding Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	d.generated[secret.Namespace+"/"+secret.Name] = secret
	return writeFile(d.secretFile(secret), content)
}

func (d *directory) secretFile(secret *corev1.Secret) string {
	return filepath.Join(d.secretsPath(), secret.Namespace+"."+secret.Name+secretFile)
}

func texts(data map[string][]byte) map[string]string {
	all := make(map[string]string, len(data))
	for key, value := range data {
		all[key] = string(value)
	}
	return all
}

// removeDocument removes a document; it is no error when there is none.
func (d *directory) removeDocument(name string) error {
	delete(d.documents, name)
	return removeFile(filepath.Join(d.path, name+documentFile))
}

func (d *directory) removeGenerated(secret *corev1.Secret) error {
	delete(d.generated, secret.Namespace+"/"+secret.Name)
	return removeFile(d.secretFile(secret))
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing file: %w", err)
	}
	return nil
}

// writeFile puts content at path in one step, so that a running server reads the old file or the new one and never a part. A file that holds
// the content already is left alone.
func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	err := replaceFile(path, content)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename there is nothing to remove
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The rename itself is durable when the directory is.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
