package translate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
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
	// Failed writes, what server replicas serve, and deletions are the reconcilers' to report.
	ofReconcilers := []string{"WriteFailed", "NoReplicas", "ReplicasBehind", "DocumentRefused", "Deleting", "UndeliveredNotifications", "Draining"}
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
		if !slices.Contains(ofReconcilers, reason) && !strings.Contains(goldens.String(), " "+reason+" (") {
			t.Errorf("no golden case shows the reason %s", reason)
		}
		return true
	})
	if reasons < 15 {
		t.Errorf("found only %d reasons in the API", reasons)
	}
}
