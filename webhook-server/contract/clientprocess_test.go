package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/buildtools"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// clientTime is what a client gets for all its calls.
const clientTime = 2 * time.Minute

// clientOrder is what a client is to do: testdata/clients/session.mjs says more.
type clientOrder struct {
	Setting   string             `json:"setting"`
	Issuer    string             `json:"issuer"`
	NotifyURL string             `json:"notifyURL"`
	TokenURLs []string           `json:"tokenURLs"`
	Clients   []namedCredentials `json:"clients"`

	world *running.World
}

type namedCredentials struct {
	Name   string `json:"name"`
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

// clientEnd is how one token call and the notification after it went.
type clientEnd struct {
	Name         string `json:"name"`
	TokenURL     string `json:"tokenURL"`
	TokenType    string `json:"tokenType"`
	ExpiresIn    int64  `json:"expiresIn"` // seconds, as the client tells its user
	NotifyStatus int    `json:"notifyStatus"`
	Error        string `json:"error"`
}

// wrong says what is not as expected; failure is a part of the expected error, "" when a token is expected.
func (e clientEnd) wrong(failure string) string {
	switch {
	case failure != "" && e.Error == "":
		return "there is a token, so the table promises too little"
	case failure != "" && !strings.Contains(e.Error, failure):
		return fmt.Sprintf("it fails with %q and not with %q", e.Error, failure)
	case failure != "":
		return ""
	case e.Error != "":
		return "it fails with " + e.Error
	case !strings.EqualFold(e.TokenType, "Bearer"), e.ExpiresIn < 890, e.ExpiresIn > 900, e.NotifyStatus != http.StatusNoContent:
		return fmt.Sprintf("token type %q, %d s, notification answered %d", e.TokenType, e.ExpiresIn, e.NotifyStatus)
	}
	return ""
}

func orderFor(w *running.World, setting string) clientOrder {
	order := clientOrder{
		Setting: setting, Issuer: w.Documents.Gateway.Issuer, NotifyURL: w.URL() + fixture.NotifyPath,
		TokenURLs: []string{w.URL() + fixture.TokenPath, w.URL() + fixture.IssuerTokenPath}, world: w,
	}
	for name, secret := range realSecrets {
		order.Clients = append(order.Clients, namedCredentials{Name: name, ID: realClientID, Secret: secret})
	}
	return order
}

// nodeScript runs a script of testdata/clients beside the packages of hack/npm.
func nodeScript(script string) func(*testing.T, clientOrder) []clientEnd {
	return func(t *testing.T, order clientOrder) []clientEnd {
		return runScript(t, order, debianProgram(t, "node"), filepath.Join(scriptsWithModules(t), script))
	}
}

// scriptsWithModules is a directory with the scripts and the npm packages.
func scriptsWithModules(t *testing.T) string {
	t.Helper()
	dir := copyOfScripts(t)
	if err := os.Symlink(filepath.Join(npmModules(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pythonScript runs a script of testdata/clients by Debian's Python, for whose packages the tests ask; another one on the PATH has others.
func pythonScript(script string) func(*testing.T, clientOrder) []clientEnd {
	return func(t *testing.T, order clientOrder) []clientEnd {
		return runScript(t, order, debianProgram(t, "/usr/bin/python3"), "-B", filepath.Join(copyOfScripts(t), script))
	}
}

// runScript lets a script carry out the order.
func runScript(t *testing.T, order clientOrder, path string, args ...string) []clientEnd {
	t.Helper()
	var ends []clientEnd
	carryOut(t, order.world, order, &ends, path, args...)
	return ends
}

// carryOut writes the order on a program's standard input and reads the end from its output. The program trusts the CA of the test alone.
func carryOut(t *testing.T, w *running.World, order, end any, path string, args ...string) {
	t.Helper()
	input, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientTime)
	defer cancel()
	var output, complaints bytes.Buffer
	command := exec.CommandContext(ctx, path, args...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), &output, &complaints
	command.Env = cleanEnvironment(t, w)
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v (%s)\n%s", strings.Join(command.Args, " "), err, howToInstall, complaints.String())
	}
	if err := json.Unmarshal(output.Bytes(), end); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command.Args, " "), err, complaints.String())
	}
}

// cleanEnvironment keeps proxies and settings of the machine out.
func cleanEnvironment(t *testing.T, w *running.World) []string {
	t.Helper()
	home := t.TempDir()
	ca := filepath.Join(home, "ca.pem")
	if err := os.WriteFile(ca, []byte(w.CA.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8",
		"NODE_EXTRA_CA_CERTS=" + ca, "REQUESTS_CA_BUNDLE=" + ca, "CURL_CA_BUNDLE=" + ca,
	}
}

func copyOfScripts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "clients"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// howToInstall follows every complaint about something that is not there.
const howToInstall = "if something is not installed: 'make packages' as root installs what the tests need, hack/build-tools.sh npm the npm packages"

// debianProgram is a program of a Debian package that the tests need.
func debianProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v (%s)", err, howToInstall)
	}
	return path
}

// npmOnce installs the npm packages once for all tests.
var npmOnce = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clientTime)
	defer cancel()
	return buildtools.NPM(ctx)
})

// npmModules is the directory that holds node_modules.
func npmModules(t *testing.T) string {
	t.Helper()
	dir, err := npmOnce()
	if err != nil {
		t.Fatalf("%v (%s)", err, howToInstall)
	}
	return dir
}
