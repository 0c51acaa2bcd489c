package lastgood

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

const planted = "planted-secret-text"

// disk is the directory of a copy, and what was logged of it.
type disk struct {
	t    *testing.T
	path string
	log  bytes.Buffer
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, path: filepath.Join(t.TempDir(), "copy")}
	t.Cleanup(func() {
		if strings.Contains(d.log.String(), planted) {
			t.Errorf("a secret is in the log: %s", d.log.String())
		}
	})
	return d
}

func (d *disk) open() *Copy {
	d.t.Helper()
	c, err := Open(d.path, slog.New(slog.NewTextHandler(&d.log, nil)))
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// write has a copy of its own write what the function notes.
func (d *disk) write(note func(*Copy)) {
	d.t.Helper()
	c := d.open()
	note(c)
	ended, cancel := context.WithCancel(d.t.Context())
	cancel()
	c.Run(ended)
	if err := c.Close(); err != nil {
		d.t.Error(err)
	}
}

// load answers the copy as "resource/name@version: data", in order.
func (d *disk) load() []string {
	d.t.Helper()
	c := d.open()
	documents, err := c.Load()
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for _, x := range documents {
		all = append(all, fmt.Sprintf("%s/%s@%s: %s", x.Resource, x.Name, x.ResourceVersion, x.Data))
	}
	slices.Sort(all)
	return all
}

func (d *disk) want(all ...string) {
	d.t.Helper()
	if got := d.load(); !slices.Equal(got, all) {
		d.t.Errorf("the copy is %q, want %q", got, all)
	}
}

func document(name, data string) Document {
	return Document{Resource: Secrets, Name: name, ResourceVersion: "7", Data: []byte(data)}
}

func TestWhatIsPutIsLoadedUntilItIsDeleted(t *testing.T) {
	d := newDisk(t)
	d.want()
	long := strings.Repeat("n", 253)
	d.write(func(c *Copy) {
		c.Put(document("client.a", planted+"\n{}\n"))
		c.Put(document(long, ""))
		c.Put(Document{Resource: ConfigMaps, Name: "client.a", ResourceVersion: "9", Data: []byte("x")})
	})
	d.want("configmaps/client.a@9: x", "secrets/client.a@7: "+planted+"\n{}\n", "secrets/"+long+"@7: ")
	d.write(func(c *Copy) {
		c.Put(document(long, "y"))
		c.Delete(Secrets, "client.a")
		c.Delete(Secrets, "never.there")
	})
	d.want("configmaps/client.a@9: x", "secrets/"+long+"@7: y")
}

func TestOnlyWhatChangedIsWrittenAnew(t *testing.T) {
	d := newDisk(t)
	d.write(func(c *Copy) { c.Put(document("a", "1")); c.Put(document("b", "1")) })
	info := func(name string) fs.FileInfo {
		info, err := os.Stat(filepath.Join(d.path, Secrets, name))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	a, b := info("a"), info("b")
	d.write(func(c *Copy) { c.Put(document("a", "1")); c.Put(document("b", "2")) })
	if !os.SameFile(a, info("a")) {
		t.Error("the unchanged document was written")
	}
	if os.SameFile(b, info("b")) {
		t.Error("the changed document was written over, and not beside, the old one")
	}
	d.want("secrets/a@7: 1", "secrets/b@7: 2")
}

func TestNobodyElseMayUseTheFiles(t *testing.T) {
	d := newDisk(t)
	d.write(func(c *Copy) { c.Put(document("a", planted)) })
	err := filepath.WalkDir(d.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestADirectoryThatOthersMayUseIsRefused(t *testing.T) {
	for mode, refused := range map[fs.FileMode]bool{0o700: false, 0o770: false, 0o750: false, 0o755: true, 0o777: true, 0o701: true, 0o704: true} {
		t.Run(mode.String(), func(t *testing.T) {
			path := t.TempDir()
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			c, err := Open(path, slog.New(slog.DiscardHandler))
			if refused {
				if err == nil || !strings.Contains(err.Error(), "chmod 700 "+path) {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("it is left with mode %v, %v", info.Mode(), err)
			}
		})
	}
	t.Run("what is no directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("it is accepted")
		}
	})
}

func TestWhatIsNotWholeIsPassedOverAndWrittenAnew(t *testing.T) {
	whole, err := encode(document("b", planted), digestOf(document("b", planted)))
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{"another's": nil, "zeroes": make([]byte, len(whole)), "too long": append(slices.Clone(whole), 'x')}
	other := document("c", planted)
	if bad["another's"], err = encode(other, digestOf(other)); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		bad[fmt.Sprintf("the first %d bytes", n)] = whole[:n]
	}
	for name, content := range bad {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.write(func(c *Copy) { c.Put(document("a", "1")); c.Put(document("b", planted)) })
			torn := filepath.Join(d.path, Secrets, "b")
			if err := os.WriteFile(torn, content, 0o600); err != nil {
				t.Fatal(err)
			}
			d.want("secrets/a@7: 1")
			if !strings.Contains(d.log.String(), "secrets/b") {
				t.Errorf("the log does not name the file: %s", d.log.String())
			}
			d.write(func(c *Copy) { c.Put(document("b", planted)) })
			d.want("secrets/a@7: 1", "secrets/b@7: "+planted)
		})
	}
}

func TestWhatWasLeftUnfinishedIsRemovedAtTheNextStart(t *testing.T) {
	d := newDisk(t)
	d.write(func(c *Copy) { c.Put(document("a", "1")) })
	left := filepath.Join(d.path, unfinished+"X")
	if err := os.WriteFile(left, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want("secrets/a@7: 1")
	if _, err := os.Stat(left); err == nil {
		t.Error("it is still there")
	}
}

func TestANameDoesNotLeadOutOfTheDirectory(t *testing.T) {
	d := newDisk(t)
	d.write(func(c *Copy) { c.Put(document("../../escaped", planted)) })
	if _, err := os.Stat(filepath.Join(d.path, "..", "escaped")); err == nil {
		t.Error("a file was written outside")
	}
	if !strings.Contains(d.log.String(), "cannot be written") {
		t.Errorf("the log is %s", d.log.String())
	}
}

func TestWhatCannotBeWrittenIsTriedAgain(t *testing.T) {
	d := newDisk(t)
	synctest.Test(t, func(t *testing.T) {
		c := d.open()
		folder := filepath.Join(d.path, Secrets)
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		c.Put(document("a", "old"))
		synctest.Wait()
		c.Put(document("a", "new"))
		synctest.Wait()
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		retried, stop := context.WithTimeout(t.Context(), 2*retryInterval)
		defer stop()
		<-retried.Done()
		d.want("secrets/a@7: new")
		cancel()
		<-ended
	})
	if !strings.Contains(d.log.String(), "tried again") {
		t.Errorf("the log is %s", d.log.String())
	}
}

func FuzzDecode(f *testing.F) {
	d := document("a", planted)
	whole, err := encode(d, digestOf(d))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		d, digest, err := decode(file)
		if err != nil {
			if strings.Contains(err.Error(), planted) {
				t.Error("the error repeats the content")
			}
			return
		}
		again, err := encode(d, digest)
		if err != nil {
			t.Fatal(err)
		}
		if same, _, err := decode(again); err != nil || same.Name != d.Name || !bytes.Equal(same.Data, d.Data) {
			t.Errorf("it is %+v, then %+v, %v", d, same, err)
		}
	})
}
