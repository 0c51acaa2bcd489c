package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// The test binary runs itself again for what needs a process of its own: childRole says as what, childPath on which file.
const (
	childRole = "D1GATEWAY_STORE_TEST_ROLE"
	childPath = "D1GATEWAY_STORE_TEST_PATH"
)

func TestMain(m *testing.M) {
	roles := map[string]func(context.Context, string) error{"append": appendForEver, "revoke": revokeForEver, "full": fillTheDisk}
	role, isChild := roles[os.Getenv(childRole)]
	if !isChild {
		os.Exit(m.Run())
	}
	if err := role(context.Background(), os.Getenv(childPath)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is the test binary in the role given. It ends with the test at the latest.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 -- this very binary
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// appendForEver prints the id of each notification once Append has returned.
func appendForEver(ctx context.Context, path string) error {
	s, err := sqlite.Open(ctx, options(path))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		n := storetest.LoadNotification(i)
		if _, err := s.Append(ctx, n); err != nil {
			return err
		}
		fmt.Println(n.ID)
	}
}

func TestEveryAppendSurvivesSIGKILL(t *testing.T) {
	path := newPath(t)
	acknowledged := killAfter(t, 3000, "append", path)
	waiting := waitingByID(t, open(t, path))
	for _, id := range acknowledged {
		if !waiting[id] {
			t.Fatalf("%s was acknowledged and is gone", id)
		}
	}
}

// killAfter runs a child in the role given until it has acknowledged so many, a line each, and answers all that it acknowledged.
func killAfter(t *testing.T, enough int, role, path string) (acknowledged []string) {
	t.Helper()
	cmd := child(t, role, path)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the pipe ended with the child; half a line was no acknowledgement
		}
		acknowledged = append(acknowledged, strings.TrimSpace(line))
		if len(acknowledged) == enough {
			if _, err := sqlite.Open(t.Context(), options(path)); !errors.Is(err, sqlite.ErrInUse) {
				t.Errorf("opening while another process has the file: %v", err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return acknowledged
}

// waitingByID claims all that waits.
func waitingByID(t *testing.T, s *sqlite.Store) map[string]bool {
	t.Helper()
	future := time.Now().Add(time.Hour)
	due, err := s.DueLanes(t.Context(), future)
	if err != nil {
		t.Fatal(err)
	}
	waiting := map[string]bool{}
	for _, lane := range due {
		claimed, err := s.Claim(t.Context(), lane, future, 1_000_000, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range claimed {
			waiting[d.ID] = true
		}
	}
	return waiting
}

// fillTheDisk makes the kernel refuse every write past a file size, as a full disk does, and takes the limit away again.
func fillTheDisk(ctx context.Context, path string) error {
	signal.Ignore(syscall.SIGXFSZ) // so that the write fails instead
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	s, err := sqlite.Open(ctx, options(path))
	if err != nil {
		return err
	}
	full := limit
	full.Cur = 256 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	stored, err := appendUntilError(ctx, s)
	if !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("after %d appends: %w, want ErrFull", stored, err)
	}
	if err := s.Check(ctx); !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("check of a full store: %w, want ErrFull", err)
	}
	if _, err := s.List(ctx, store.Filter{}); err != nil {
		return fmt.Errorf("listing a full store: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := s.Check(ctx); err != nil {
		return fmt.Errorf("check with room again: %w", err)
	}
	if _, err := s.Append(ctx, storetest.LoadNotification(0)); err != nil {
		return fmt.Errorf("append with room again: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	return countAfterReopening(ctx, path, stored+1)
}

func appendUntilError(ctx context.Context, s store.Store) (stored int, err error) {
	const enough = 100_000
	for i := range enough {
		if _, err := s.Append(ctx, storetest.LoadNotification(i)); err != nil {
			return i, err
		}
	}
	return enough, errors.New("nothing failed")
}

func countAfterReopening(ctx context.Context, path string, want int) error {
	s, err := sqlite.Open(ctx, options(path))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	lanes, err := s.Lanes(ctx)
	if err != nil {
		return err
	}
	for _, lane := range lanes {
		want -= lane.Waiting
	}
	if want != 0 {
		return fmt.Errorf("%d acknowledged notifications are missing", want)
	}
	return nil
}

func TestAFullDiskRefusesAppendsAndRecoversByItself(t *testing.T) {
	if err := child(t, "full", newPath(t)).Run(); err != nil {
		t.Errorf("the child failed: %v", err)
	}
}
