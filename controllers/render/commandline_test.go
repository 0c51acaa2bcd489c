package render

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

func TestTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		name string
		args []string
		want int
	}{
		{"nothing", nil, exitUsage},
		{"no output", []string{"-f", dir}, exitUsage},
		{"two inputs", []string{"-f", dir, "-f", dir, "-o", dir}, exitUsage},
		{"no input", []string{"-o", dir}, exitUsage},
		{"an unknown flag", []string{"-f", dir, "-o", dir, "--unknown"}, exitUsage},
		{"an argument too many", []string{"-f", dir, "-o", dir, "more"}, exitUsage},
		{"input that is not there", []string{"-f", filepath.Join(dir, "nowhere"), "-o", dir}, exitUsage},
		{"help", []string{"--help"}, exitReady},
		{"an empty directory", []string{"-f", dir, "-o", filepath.Join(dir, "out")}, exitNotReady},
		{"a base URL without a scheme", []string{"-f", dir, "-o", dir, "--external-url", "foo"}, exitUsage},
		{"a base URL of another scheme", []string{"-f", dir, "-o", dir, "--external-url", "ftp://x"}, exitUsage},
		{"an empty base URL", []string{"-f", dir, "-o", dir, "--external-url="}, exitUsage},
		{"output that cannot be made", []string{"-f", dir, "-o", "/dev/null/out"}, exitNotReady},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := Run(tc.args, &stdout, &stderr, start); got != tc.want {
				t.Errorf("exit status %d, want %d: %s", got, tc.want, stderr.String())
			}
			if tc.want == exitUsage && strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("it does not say in one line what is wrong: %q", stderr.String())
			}
			for _, arg := range tc.args {
				if flag, _, _ := strings.Cut(arg, "="); flag == "--external-url" && !strings.Contains(stderr.String(), flag) {
					t.Errorf("the flag is not named: %q", stderr.String())
				}
			}
		})
	}
}

func TestTheExternalURLIsUsed(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	var stdout, stderr bytes.Buffer
	if status := Run([]string{"-f", p.in, "-o", p.out, "--external-url", "https://d1.example/"}, &stdout, &stderr, start); status != exitReady {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	if issuer := document[*serving.Gateway](p, "gateway.default.acme.json").Issuer; issuer != "https://d1.example/merchant-gateways/MGW_000001" {
		t.Errorf("the issuer is %s", issuer)
	}
}
