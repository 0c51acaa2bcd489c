package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const repository = "../.."

// pages answers README.md and every page of the docs.
func pages(t *testing.T) []page {
	t.Helper()
	all := []page{readPage(t, filepath.Join(repository, "README.md"))}
	err := filepath.WalkDir(filepath.Join(repository, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			all = append(all, readPage(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryLinkWithinTheRepositoryLeadsSomewhere(t *testing.T) {
	followed := 0
	for _, p := range pages(t) {
		for _, target := range p.links() {
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			followed++
			if problem := follow(t, p, target); problem != "" {
				t.Errorf("%s: the link to %s: %s", p.path, target, problem)
			}
		}
	}
	if followed == 0 {
		t.Error("no page has a link: they are no longer found")
	}
}

// follow answers what is wrong with a link, or "".
func follow(t *testing.T, from page, target string) string {
	t.Helper()
	file, name, anchored := strings.Cut(target, "#")
	if file != "" {
		path := filepath.Join(filepath.Dir(from.path), filepath.FromSlash(file))
		inside, err := filepath.Rel(repository, path)
		if err != nil || !filepath.IsLocal(inside) {
			return "it leaves the repository"
		}
		if _, err := os.Stat(path); err != nil {
			return "there is no such file"
		}
		if !anchored {
			return ""
		}
		if filepath.Ext(path) != ".md" {
			return "only a page has headings"
		}
		from = readPage(t, path)
	}
	if !from.anchors()[name] {
		return "there is no such heading"
	}
	return ""
}
