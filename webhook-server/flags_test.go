package main

import (
	"errors"
	"flag"
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

func TestHelpNamesTheCommandsAndTheFlags(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		var out strings.Builder
		if _, err := parseFlags(args, &out); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: %v", args, err)
		}
		for _, name := range []string{"notifications list", "notifications replay", "destinations pause", "store backup", "-store-url-file", "-admin-token-file"} {
			if !strings.Contains(out.String(), name) {
				t.Errorf("%v does not name %s", args, name)
			}
		}
	}
	if _, err := parseFlags([]string{"notification", "list"}, io.Discard); err == nil || !strings.Contains(err.Error(), "--help") {
		t.Errorf("a misspelled command: %v", err)
	}
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
