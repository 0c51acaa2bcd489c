package translate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestTheGoldenFilesShowEveryReason holds the golden cases to the list of reasons in the API.
func TestTheGoldenFilesShowEveryReason(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var goldens strings.Builder
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		goldens.Write(raw)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		reason, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		reasons++
		// A failed write is the reconcilers' to report.
		if reason != "WriteFailed" && !strings.Contains(goldens.String(), " "+reason+" (") {
			t.Errorf("no golden case shows the reason %s", reason)
		}
		return true
	})
	if reasons < 15 {
		t.Errorf("found only %d reasons in the API", reasons)
	}
}
