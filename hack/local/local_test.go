package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// output collects what a run says, and can be read meanwhile.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// TestTheLocalRunShowsD1sCallsFollowsChangesAndLeavesNothingBehind is the whole product: real API server, operator, server, simulator.
func TestTheLocalRunShowsD1sCallsFollowsChangesAndLeavesNothingBehind(t *testing.T) {
	root, err := buildtools.Root()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, program := range []string{"controllers", "webhook-server"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, program), "./"+program)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", program, err, out)
		}
	}
	said := &output{}
	ready, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := &Run{
		Bin: bin, Samples: filepath.Join(root, "config/samples"), CRDs: filepath.Join(root, "config/crd/bases"),
		D1Address: "127.0.0.1:0", Out: said, Ready: func() { close(ready) },
	}
	go func() { ended <- run.Do(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, said)
	}
	for _, want := range []string{
		`POST /oauth2/token -> 200`, `/notify-update -> 204`, `signature accepted: io\.d1gateway\.notification\.TOKEN_STATE_CHANGE`,
		`signature accepted: io\.d1gateway\.notification\.CARD_UPDATE`, `/merchants/99999999999/.* -> 404`, `working token: `,
		`export KUBECONFIG=`, `kubectl get mgw,oac -A`, `curl --cacert `, `kubectl -n payments edit oac thales-d1`,
	} {
		if !regexp.MustCompile(want).MatchString(said.String()) {
			t.Errorf("it does not show %s", want)
		}
	}
	followsChanges(t, run)
	if strings.Contains(said.String(), "client_secret=") {
		t.Error("it prints a secret")
	}

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	var dialer net.Dialer
	if c, err := dialer.DialContext(t.Context(), "tcp", run.d1.String()); err == nil {
		_ = c.Close()
		t.Error("the server is still there")
	}
	if _, err := os.Stat(run.dir); !os.IsNotExist(err) {
		t.Errorf("the scratch directory is still there: %v", err)
	}
}

// followsChanges suspends, resumes and deletes the client, and asks for tokens after each.
func followsChanges(t *testing.T, run *Run) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", run.path("kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	types := runtime.NewScheme()
	if err := scheme.AddToScheme(types); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(types); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(config, client.Options{Scheme: types})
	if err != nil {
		t.Fatal(err)
	}
	oauthClient, secret := &v1alpha1.OAuthClient{}, &corev1.Secret{}
	if err := readManifest(filepath.Join(run.Samples, "oauthclient.yaml"), oauthClient); err != nil {
		t.Fatal(err)
	}
	key := client.ObjectKey{Namespace: oauthClient.Namespace, Name: oauthClient.Spec.Credentials.SecretName}
	if err := api.Get(t.Context(), key, secret); err != nil {
		t.Fatal(err)
	}
	if n := len(secret.Data[v1alpha1.KeyClientSecret]); n != 43 {
		t.Errorf("the generated secret has %d characters", n)
	}
	ca, err := os.ReadFile(run.path("tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	d1 := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 10 * time.Second}
	defer d1.CloseIdleConnections()

	getsToken := func(want bool, after string) {
		t.Helper()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := poll(ctx, func() (bool, error) {
			got, err := run.getsToken(ctx, d1, secret)
			return got == want, err
		})
		if err != nil {
			t.Fatalf("after %s a token is issued: not %v in 10 s (%v)", after, want, err)
		}
		t.Logf("after %s the server followed in %s", after, time.Since(began).Round(time.Millisecond))
	}
	setState := func(state v1alpha1.ClientState) {
		t.Helper()
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"state":"`+string(state)+`"}}`))
		if err := api.Patch(t.Context(), oauthClient.DeepCopy(), patch); err != nil {
			t.Fatal(err)
		}
	}
	getsToken(true, "the start")
	setState(v1alpha1.ClientSuspended)
	getsToken(false, "the suspension")
	setState(v1alpha1.ClientActive)
	getsToken(true, "the resumption")
	if err := api.Delete(t.Context(), oauthClient.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	getsToken(false, "the deletion")
}
