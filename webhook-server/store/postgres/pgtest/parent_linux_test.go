package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

// childFolder makes the test binary a program that runs a server below the folder until it is killed.
const childFolder = "D1GATEWAY_PGTEST_CHILD_FOLDER"

func TestMain(m *testing.M) {
	folder := os.Getenv(childFolder)
	if folder == "" {
		os.Exit(m.Run())
	}
	s, err := pgtest.New(context.Background(), pgtest.Options{Dir: folder})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Address())
	select {} // until it is killed
}

func TestTheServerEndsWithAProgramThatIsKilled(t *testing.T) {
	folder, err := os.MkdirTemp("", "pgtest-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o711); err != nil { // #nosec G302 -- the server's user must get through
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 -- this very binary
	child.Env = append(os.Environ(), childFolder+"="+folder)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimSpace(address))
		if err != nil {
			return
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the server still answers")
		}
	}
}
