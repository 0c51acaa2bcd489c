package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestEveryConditionAndReasonIsExplained(t *testing.T) {
	var text strings.Builder
	for _, kind := range kinds {
		for _, s := range readPage(t, filepath.Join(repository, kind.page)).sections {
			text.WriteString(s.heading + "\n" + s.text)
		}
	}
	names := constants(t, filepath.Join(repository, "api/v1alpha1/conditions.go"), "Reason", "Condition")
	if len(names) == 0 {
		t.Fatal("no reasons: they are no longer found")
	}
	for name, value := range names {
		if !strings.Contains(text.String(), "`"+value+"`") {
			t.Errorf("no page explains %s (%s)", value, name)
		}
	}
}

// constants answers the string constants of a file whose names begin with one of the prefixes.
func constants(t *testing.T, path string, prefixes ...string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			literal, ok := spec.Values[i].(*ast.BasicLit)
			begins := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name.Name, prefix) })
			if ok && begins {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				all[name.Name] = value
			}
		}
		return true
	})
	return all
}
