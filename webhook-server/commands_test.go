package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var adminListening = regexp.MustCompile(`"for":"administration","address":"([^"]+)"`)

// TestTheProgramIsItsOwnAdministrationCommand: the image holds no other program.
func TestTheProgramIsItsOwnAdministrationCommand(t *testing.T) {
	p := launch(t, state(t, "http://127.0.0.1:9/d1")...)
	if status := p.notify(p.token(), "tok_of_a_command"); status != http.StatusNoContent {
		t.Fatalf("answer %d", status)
	}
	address := adminListening.FindStringSubmatch(p.err.String())
	if address == nil {
		t.Fatalf("where is the administration API? %s", p.err.String())
	}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"notifications list --token tok_of_a_command", 0, "tok_of_a_command"},
		{"destinations list", 0, "WAITING"},
		{"notifications replay --state Waiting --all", exitUsage, "--yes"},
		{"notifications replay --state Waiting --all --yes", 0, "1 notification"},
		{"notifications nonsense", exitUsage, "list"},
		{"notifications show none", exitFailed, "id"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(c.args)...)
		cmd.Env = append(os.Environ(), asServer+"=1", "D1GATEWAY_ADMIN=http://"+address[1])
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != c.status || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: exit status %d\n%s", c.args, got, out)
		}
	}
}
