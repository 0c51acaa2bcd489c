package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// asProgram makes the test binary be the program.
const asProgram = "D1GATEWAY_TEST_AS_CONTROLLERS"

var cluster *testenv.Cluster

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(testenv.Main(m, func(c *testenv.Cluster) { cluster = c }))
}

// program is a process of its own.
type program struct {
	process *exec.Cmd
	stderr  *testenv.Log
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{process: exec.CommandContext(context.Background(), os.Args[0], args...), stderr: &testenv.Log{}}
	p.process.Env = append(os.Environ(), asProgram+"=1")
	p.process.Stderr = p.stderr
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.process.ProcessState == nil {
			_ = p.process.Process.Kill()
			_ = p.process.Wait()
		}
	})
	return p
}

// terminate sends SIGTERM and answers the exit status and how long the end took.
func (p *program) terminate(t *testing.T) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.process.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.process.ProcessState.ExitCode(), time.Since(began)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// TestTheProgramWithTheRightsOfItsRoles runs the real program as a user who has no rights but those of config/rbac/role.yaml.
func TestTheProgramWithTheRightsOfItsRoles(t *testing.T) {
	s := cluster.NewSetting(t)
	grantRoles(t, s, "operator")
	probes, metrics := freeAddress(t), freeAddress(t)
	args := []string{
		"--kubeconfig", s.Kubeconfig(t, "operator"), "--system-namespace", s.System, "--leader-elect",
		"--external-url", "https://d1.acme.example", "--health-probe-bind-address", probes, "--metrics-bind-address", metrics,
	}
	first := start(t, args...)
	replica := s.StartReplica(t, "webhook-server-0")
	gateway := s.Gateway("acme", "MGW_000001")
	client := s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, client)
	s.WaitReady(t, gateway)
	s.WaitReady(t, client)
	if gateway.Status.NotificationURL != "https://d1.acme.example" {
		t.Errorf("the notification URL is %q", gateway.Status.NotificationURL)
	}
	testenv.Eventually(t, func() error {
		if len(s.Events(t, client)) == 0 {
			return errors.New("there is no event")
		}
		return nil
	})
	testenv.Eventually(t, func() error { return mustAnswer("http://"+probes+"/readyz", "ok") })
	testenv.Eventually(t, func() error {
		return mustAnswer("http://"+metrics+"/metrics", `d1gateway_controllers_document_operations_total{kind="Client",operation="write",result="success"} 1`)
	})
	testenv.Eventually(t, func() error {
		return mustAnswer("http://"+metrics+"/metrics", `d1gateway_controllers_resources{kind="OAuthClient",ready="True",reason="Ready"} 1`)
	})

	code, took := first.terminate(t)
	if code != 0 || took > 5*time.Second {
		t.Errorf("SIGTERM ended it with status %d after %s", code, took)
	}
	// It has given up its lease, and so its successor need not wait for the end of it.
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: s.System, Name: "controllers.d1gateway.io"}}
	s.WaitFor(t, lease, func() error { return nil })
	if lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
		t.Errorf("%s still holds the lease", *lease.Spec.HolderIdentity)
	}

	second := start(t, args...)
	replica.Undelivered(gateway, 12)
	s.Delete(t, client, gateway)
	s.WaitGone(t, client)
	s.WaitCondition(t, gateway, v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonUndeliveredNotifications)
	replica.Undelivered(gateway, 0)
	s.WaitGone(t, gateway)
	if code, _ := second.terminate(t); code != 0 {
		t.Errorf("SIGTERM ended it with status %d", code)
	}
	for _, p := range []*program{first, second} {
		mustLogJSON(t, p.stderr.String())
	}
}

func mustAnswer(url, want string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(want)) {
		return fmt.Errorf("%s answers %d without %q", url, response.StatusCode, want)
	}
	return nil
}

// mustLogJSON fails the test for a line that is no JSON, and for one that tells of a right that the roles lack.
func mustLogJSON(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has a line that is not JSON: %s", line)
		}
		if strings.Contains(line, "forbidden") || strings.Contains(line, "Forbidden") {
			t.Errorf("the roles do not suffice: %s", line)
		}
	}
}

// grantRoles gives a user what config/rbac/role.yaml says, with the system namespace of the test in place of the real one.
func grantRoles(t *testing.T, s *testenv.Setting, user string) {
	t.Helper()
	file, err := os.Open(filepath.Join(testenv.Root(t), "config", "rbac", "role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	granted := 0
	for {
		var role struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Rules             []rbacv1.PolicyRule `json:"rules"`
		}
		err := decoder.Decode(&role)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := metav1.ObjectMeta{Name: role.Name + "-" + s.System} // ClusterRoles are shared by all tests of the cluster.
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: role.Kind, Name: name.Name}
		switch role.Kind {
		case "ClusterRole":
			s.Create(t, &rbacv1.ClusterRole{ObjectMeta: name, Rules: role.Rules}, &rbacv1.ClusterRoleBinding{ObjectMeta: name, RoleRef: ref, Subjects: subjects})
		case "Role":
			name.Namespace = s.System
			s.Create(t, &rbacv1.Role{ObjectMeta: name, Rules: role.Rules}, &rbacv1.RoleBinding{ObjectMeta: name, RoleRef: ref, Subjects: subjects})
		default:
			t.Fatalf("%s is no role", role.Kind)
		}
		granted++
	}
	if granted != 2 {
		t.Fatalf("there are %d roles", granted)
	}
}
