package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/app"
)

// clusterFlags are those of a server of a cluster that is not there.
func clusterFlags(t *testing.T, more ...string) []string {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:9"}}],` +
		`"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{"--kubeconfig", kubeconfig, "--store", "sqlite:x", "--insecure-http"}, more...)
}

func TestTheNameOfTheReplica(t *testing.T) {
	parse := func(args ...string) (app.Options, error) { return parseFlags(clusterFlags(t, args...), io.Discard) }
	t.Setenv("POD_NAME", "web-7")
	if o, err := parse(); err != nil || o.ReplicaName != "web-7" {
		t.Errorf("in the Pod web-7 it is %q, %v", o.ReplicaName, err)
	}
	if o, err := parse("--replica-name", "here.example"); err != nil || o.ReplicaName != "here.example" {
		t.Errorf("the flag makes it %q, %v", o.ReplicaName, err)
	}
	t.Setenv("POD_NAME", "")
	if o, err := parse(); err != nil || o.ReplicaName == "" {
		t.Errorf("outside a Pod it is %q, %v", o.ReplicaName, err)
	}
	for _, name := range []string{"Web", "web_0", "-web", "web.", strings.Repeat("w", 240), "web.uses-1"} {
		if _, err := parse("--replica-name", name); err == nil || !strings.HasPrefix(err.Error(), "--replica-name: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
