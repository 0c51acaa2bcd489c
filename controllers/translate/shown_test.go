package translate

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shownKeySets answers the texts of jwks in YAML: the lines after each "jwks: |" that are indented further than it.
func shownKeySets(text string) []string {
	var all []string
	depth := -1
	for line := range strings.Lines(text) {
		trimmed := strings.TrimLeft(line, " ")
		switch indent := len(line) - len(trimmed); {
		case depth >= 0 && indent > depth:
			all[len(all)-1] += line
		case strings.HasPrefix(trimmed, "jwks: |"):
			depth = indent
			all = append(all, "")
		default:
			depth = -1
		}
	}
	return all
}

// TestTheKeySetsThatAreShownCanBeUsed reads those of the samples and the docs.
func TestTheKeySetsThatAreShownCanBeUsed(t *testing.T) {
	shown := 0
	visit := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" && filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, set := range shownKeySets(string(text)) {
			shown++
			if _, err := parseKeySet(set); err != nil {
				t.Errorf("%s: %v in\n%s", path, err, set)
			}
		}
		return nil
	}
	for _, root := range []string{"../../docs", "../../config/samples"} {
		if err := filepath.WalkDir(root, visit); err != nil {
			t.Fatal(err)
		}
	}
	if shown < 3 {
		t.Errorf("only %d are found", shown)
	}
}
