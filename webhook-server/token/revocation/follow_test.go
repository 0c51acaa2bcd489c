package revocation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform/tokenformtest"
)

// readings keeps what a follower reports.
type readings struct {
	mu     sync.Mutex
	counts []int
	errs   []error
}

func (r *readings) Followed(revocations int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts, r.errs = append(r.counts, revocations), append(r.errs, err)
}

// replica is what follows in one server.
type replica struct {
	*revocation.Follower
	revocations *accesstoken.Revocations
	readings    *readings
	log         *bytes.Buffer
}

func newReplica(l revocation.List) replica {
	r := replica{revocations: new(accesstoken.Revocations), readings: new(readings), log: new(bytes.Buffer)}
	r.Follower = revocation.NewFollower(revocation.FollowOptions{
		List: l, Revocations: r.revocations, Interval: time.Second, Observer: r.readings, Logger: slog.New(slog.NewJSONHandler(r.log, nil)), Now: time.Now,
	})
	return r
}

// follow follows until the function it answers is called.
func (r replica) follow(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Follow(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func revoked(n int) store.Revocation {
	return store.Revocation{GatewayID: fixture.GatewayID, JTI: fmt.Sprintf("jti-%d", n), ExpiresAt: time.Now().Add(time.Hour)}
}

func TestLoadReadsEveryPage(t *testing.T) {
	l := new(list)
	const total = 2*store.RevocationPage + 3
	for n := range total {
		_ = l.Revoke(t.Context(), revoked(n))
	}
	r := newReplica(l)
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, store.RevocationPage, total - 1} {
		if !r.revocations.Has(fixture.GatewayID, revoked(n).JTI) {
			t.Errorf("%d is not effective", n)
		}
	}
	if r.revocations.Has("MGW_000002", revoked(0).JTI) {
		t.Error("it is effective for another gateway")
	}
	if len(r.readings.counts) != 1 || r.readings.counts[0] != total {
		t.Errorf("observed %v", r.readings.counts)
	}
}

func TestLoadSaysWhenItFailsAndGoesOnWhereItStopped(t *testing.T) {
	l := new(list)
	_ = l.Revoke(t.Context(), revoked(1))
	l.setFail(errors.New("disk I/O error"))
	r := newReplica(l)
	if err := r.Load(t.Context()); !errors.Is(err, l.fail) {
		t.Errorf("got %v", err)
	}
	l.setFail(nil)
	if err := r.Load(t.Context()); err != nil || !r.revocations.Has(fixture.GatewayID, "jti-1") {
		t.Errorf("got %v", err)
	}
}

func TestARevocationIsEffectiveOnAnotherReplicaAfterOneInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(list)
		r := newReplica(l)
		defer r.follow(t)()
		for n := range 5 {
			time.Sleep(777 * time.Millisecond) // the bubble's clock: at some moment between two readings
			if err := l.Revoke(t.Context(), revoked(n)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if !r.revocations.Has(fixture.GatewayID, revoked(n).JTI) {
				t.Errorf("%d is not effective after a second", n)
			}
		}
	})
}

func TestWhatIsKnownStaysEffectiveWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(list)
		r := newReplica(l)
		_ = l.Revoke(t.Context(), revoked(1))
		stop := r.follow(t)
		time.Sleep(2 * time.Second)
		l.setFail(errors.New("disk I/O error"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !r.revocations.Has(fixture.GatewayID, "jti-1") {
			t.Error("it is forgotten")
		}
		l.setFail(nil)
		_ = l.Revoke(t.Context(), revoked(2))
		time.Sleep(time.Second)
		synctest.Wait()
		if !r.revocations.Has(fixture.GatewayID, "jti-2") {
			t.Error("it does not follow any more")
		}
		stop()
		if failing, again := strings.Count(r.log.String(), "are not seen"), strings.Count(r.log.String(), "seen again"); failing != 1 || again != 1 {
			t.Errorf("logged %s", r.log)
		}
	})
}

// stuck is a list whose reading ends only with its context, until it is freed.
type stuck struct {
	*list
	mu   sync.Mutex
	free bool
}

func (s *stuck) Revocations(ctx context.Context, after int64) ([]store.Revocation, int64, error) {
	s.mu.Lock()
	free := s.free
	s.mu.Unlock()
	if !free {
		<-ctx.Done()
		return nil, after, ctx.Err()
	}
	return s.list.Revocations(ctx, after)
}

func TestAReadingThatHangsDoesNotEndTheFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{list: new(list)}
		r := newReplica(s)
		_ = s.Revoke(t.Context(), revoked(1))
		defer r.follow(t)()
		time.Sleep(3 * time.Second) // it hangs in the first reading
		s.mu.Lock()
		s.free = true
		s.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !r.revocations.Has(fixture.GatewayID, "jti-1") {
			t.Error("it does not follow any more")
		}
	})
}

func TestWhatExpiredIsDroppedButNotBeforeASlowClockSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(list)
		r := newReplica(l)
		expires := time.Now().Add(90 * time.Second)
		_ = l.Revoke(t.Context(), store.Revocation{GatewayID: fixture.GatewayID, JTI: "x", ExpiresAt: expires})
		defer r.follow(t)()
		time.Sleep(90*time.Second + accesstoken.MaxSkew)
		synctest.Wait()
		if !r.revocations.Has(fixture.GatewayID, "x") {
			t.Error("it is forgotten while a replica whose clock is behind accepts the token")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if r.revocations.Has(fixture.GatewayID, "x") {
			t.Error("it is never forgotten")
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.pruned) < 3 || len(l.pruned) > 6 {
			t.Errorf("pruned %d times in 4.5 minutes", len(l.pruned))
		}
		for _, before := range l.pruned {
			if before.After(time.Now().Add(-accesstoken.MaxSkew)) {
				t.Errorf("pruned up to %s at %s", before, time.Now())
			}
		}
	})
}

func TestWithTheRealStoreARevocationReachesAnotherReplicaAndSurvivesARestart(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	s, err := engine.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := tokenformtest.New(t, serving.RevocationPath, newHandler(s))
	raw := e.Issue(e.World, "")
	other := newReplica(s)
	verifier := accesstoken.NewVerifier(16, other.revocations)
	live := func() bool {
		_, err := verifier.Verify(e.Compiled(), e.Snapshot(), raw, e.Now)
		return err == nil
	}
	if err := other.Load(t.Context()); err != nil || !live() {
		t.Fatalf("before: %v, live is %v", err, live())
	}
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	if err := other.Load(t.Context()); err != nil || live() {
		t.Errorf("another replica: %v, live is %v", err, live())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := engine.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	other = newReplica(again)
	verifier = accesstoken.NewVerifier(16, other.revocations)
	if err := other.Load(t.Context()); err != nil || live() {
		t.Errorf("after a restart: %v, live is %v", err, live())
	}
}
