package lastgood

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	api "github.com/d1gateway/d1gateway/api/serving"
)

const (
	fileFormat = "d1gateway.io/copy/v1"
	// unfinished begins the names of files that are being written.
	unfinished = ".writing-"
	// maxHeaderBytes is more than any header has: a name has 253 bytes at most.
	maxHeaderBytes = 4 << 10
)

// header is the first line of a file; the document is all that follows.
type header struct {
	Format          string `json:"format"`
	Resource        string `json:"resource"`
	Name            string `json:"name"`
	ResourceVersion string `json:"resourceVersion"`
	// Digest is the SHA-256 of the members above and the document.
	Digest string `json:"digest"`
}

var errTorn = errors.New("it is not whole")

func digestOf(d Document) string {
	h := sha256.New()
	for _, member := range []string{fileFormat, d.Resource, d.Name, d.ResourceVersion} {
		_, _ = io.WriteString(h, member+"\x00")
	}
	_, _ = h.Write(d.Data)
	return hex.EncodeToString(h.Sum(nil))
}

func encode(d Document, digest string) ([]byte, error) {
	line, err := json.Marshal(header{fileFormat, d.Resource, d.Name, d.ResourceVersion, digest})
	if err != nil {
		return nil, err
	}
	return append(append(line, '\n'), d.Data...), nil
}

// decode answers the document of a file and its digest. No error repeats any of the content.
func decode(file []byte) (Document, string, error) {
	line, data, found := bytes.Cut(file, []byte("\n"))
	var h header
	if !found || json.Unmarshal(line, &h) != nil || h.Format != fileFormat {
		return Document{}, "", errTorn
	}
	d := Document{Resource: h.Resource, Name: h.Name, ResourceVersion: h.ResourceVersion, Data: data}
	if digestOf(d) != h.Digest {
		return Document{}, "", errTorn
	}
	return d, h.Digest, nil
}

// write puts a whole file in the place of the one that is there.
func (c *Copy) write(k key, d Document, digest string) error {
	content, err := encode(d, digest)
	if err != nil {
		return err
	}
	temporary := unfinished + rand.Text()
	f, err := c.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = c.root.Rename(temporary, k.path())
	}
	if err != nil {
		_ = c.root.Remove(temporary)
	}
	return err
}

// Load answers the documents of the copy. Those that cannot be read or are not whole are logged and passed over.
func (c *Copy) Load() ([]Document, error) {
	var all []Document
	err := c.each(func(_ key, d Document, _ string) { all = append(all, d) })
	return all, err
}

// Names answers the names of the documents of a resource, those that are not whole included.
func (c *Copy) Names(resource string) ([]string, error) {
	entries, err := fs.ReadDir(c.root.FS(), resource)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

func (c *Copy) each(visit func(key, Document, string)) error {
	for _, resource := range []string{ConfigMaps, Secrets} {
		names, err := c.Names(resource)
		if err != nil {
			return err
		}
		for _, name := range names {
			k := key{resource, name}
			d, digest, err := c.read(k)
			if err != nil {
				c.logger.Warn("copy of a serving document is passed over", "file", k.path(), "error", err)
				continue
			}
			visit(k, d, digest)
		}
	}
	return nil
}

func (c *Copy) read(k key) (Document, string, error) {
	info, err := c.root.Lstat(k.path())
	if err != nil {
		return Document{}, "", err
	}
	if !info.Mode().IsRegular() || info.Size() > api.MaxDocumentBytes+maxHeaderBytes {
		return Document{}, "", fmt.Errorf("it is not a file of at most %d bytes", api.MaxDocumentBytes+maxHeaderBytes)
	}
	content, err := c.root.ReadFile(k.path())
	if err != nil {
		return Document{}, "", err
	}
	d, digest, err := decode(content)
	if err == nil && (d.Resource != k.resource || d.Name != k.name) {
		err = errors.New("it holds another document")
	}
	return d, digest, err
}
