package replica

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestWhileTheAPIServerIsAwayTheReplicaBecomesReadyAndTellsEverythingLater(t *testing.T) {
	inBubble(t, func(w *world) {
		w.cluster.away = true
		w.run()
		w.pass(4900 * time.Millisecond)
		if w.isReady() {
			t.Error("it is ready before anything was told")
		}
		w.pass(200 * time.Millisecond)
		if !w.isReady() {
			t.Error("it is not ready after five seconds")
		}
		w.authenticate("first")
		w.reach("77", "78")
		w.pass(time.Hour)
		if !w.reporter.IsUnheard() {
			t.Error("nobody is told that nothing arrives")
		}
		if w.reporter.Behind().IsZero() {
			t.Error("nothing waits to be written")
		}
		if n := strings.Count(w.log.String(), "does not take"); n > 2*61+1 {
			t.Errorf("%d lines in an hour", n)
		}
		w.cluster.set(func(f *fakeCluster) { f.away = false })
		w.pass(15 * time.Second)
		if w.reporter.IsUnheard() {
			t.Error("it calls itself unheard although its Lease is there")
		}
		own := w.own()
		if own.Documents.ConfigMapsVersion != "77" || len(own.Uses) != 1 || len(w.cluster.renewals) == 0 || !w.reporter.Behind().IsZero() {
			t.Errorf("told %+v, %d renewals", own, len(w.cluster.renewals))
		}
	})
}

func TestAStartFromTheCopyDoesNotWaitForTheAPIServerASecondTime(t *testing.T) {
	inBubble(t, func(w *world) {
		w.cluster.away = true
		w.State.ApplyBatch(serving.Batch{Copy: true})
		w.run()
		if !w.isReady() {
			t.Error("it is not ready at once")
		}
	})
}

func TestAFaultInBetweenIsTriedAgainWithPauses(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.pass(time.Second)
		w.cluster.set(func(f *fakeCluster) { f.away = true })
		for i := range 600 {
			w.reach(fmt.Sprint(1000+i), "20")
			w.pass(100 * time.Millisecond)
		}
		if n := w.cluster.attempts - 1; n < 10 || n > 20 {
			t.Errorf("%d attempts in a minute", n)
		}
		w.cluster.set(func(f *fakeCluster) { f.away = false })
		w.pass(lastRetry)
		if v := w.own().Documents.ConfigMapsVersion; v != "1599" {
			t.Errorf("told version %s", v)
		}
	})
}

func TestACallThatHangsHoldsUpNothingForGood(t *testing.T) {
	inBubble(t, func(w *world) {
		w.cluster.hang = true
		w.run()
		w.pass(6 * time.Second)
		if !w.isReady() {
			t.Error("it is not ready")
		}
		w.cluster.set(func(f *fakeCluster) { f.hang = false })
		w.pass(15 * time.Second)
		if w.own().Documents == nil || len(w.cluster.renewals) == 0 {
			t.Error("it has not told what it serves")
		}
	})
}

func TestStopEndsInTimeWhenTheAPIServerHangs(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.authenticate("first")
		w.cluster.set(func(f *fakeCluster) { f.hang = true })
		ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		w.reporter.Stop(ctx)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
