package faults

import (
	"context"
	"slices"
	"testing"
	"time"
)

const (
	// rate is notifications a second, for as long as -sustain says.
	rate = 500
	// answerTime is what each delivery takes the merchant.
	answerTime = 10 * time.Millisecond
	// mostDelay is how many answer times may pass from 204 to the delivery, in 99 of 100.
	mostDelay = 20
)

// With load that lasts, nothing piles up, and a notification is delivered soon after it was accepted.
func TestSustainedLoad(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			w := newWorld(t, e.make(t), answerTime)
			s := w.start()
			d1 := w.callEvery(64, time.Second/rate)
			backlog := w.sampleBacklog(*sustain, s)
			d1.stop()
			w.finish(s)
			s.stop()

			delays := w.ledger.sortedDelays()
			p50, p99 := delays[len(delays)/2], delays[len(delays)*99/100]
			quarter := len(backlog) / 4
			first, last := median(backlog[:quarter]), median(backlog[len(backlog)-quarter:])
			t.Logf("%d delivered in %s, waiting %d to %d; from 204 to delivered: p50 %s, p99 %s, %.1f times the backend's answer time",
				len(delays), *sustain, first, last, p50, p99, float64(p99)/float64(answerTime))
			if last > first+slack() {
				t.Errorf("waiting grows: %d in the first quarter, %d in the last", first, last)
			}
			if *soak && p99 > mostDelay*answerTime {
				t.Errorf("p99 from 204 to delivered is %s, want at most %s", p99, mostDelay*answerTime)
			}
			if want := int(sustain.Seconds() * rate * 0.9); *soak && len(delays) < want {
				t.Errorf("%d were accepted, want at least %d: the load was not what it should be", len(delays), want)
			}
			if refused, broken := d1.refused.Load(), d1.broken.Load(); refused > 0 || broken > 0 {
				t.Errorf("%d were answered 503, %d not at all", refused, broken)
			}
			w.wantFewDuplicates(0)
		})
	}
}

// slack is how many more may wait at the end than at the beginning. Other tests run beside the short run and take their time.
func slack() int {
	if *soak {
		return rate / 10
	}
	return rate
}

// callEvery has a notification sent in each interval by whichever caller is free, until stop.
func (w *world) callEvery(count int, interval time.Duration) *callers {
	ctx, cancel := context.WithCancel(w.t.Context())
	c := w.newCallers(cancel)
	due := make(chan struct{}, rate) // a second's worth: who comes late catches up
	c.all.Go(func() {
		defer close(due)
		began := time.Now()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for sent := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for ; time.Duration(sent)*interval < time.Since(began); sent++ {
				select {
				case due <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range count {
		c.all.Go(func() {
			for range due {
				url, err := c.target.other(ctx, "")
				if err != nil {
					return
				}
				c.send(ctx, url)
			}
		})
	}
	w.t.Cleanup(c.stop)
	return c
}

// sampleBacklog notes for so long, twenty times in all, how many are accepted and not delivered.
func (w *world) sampleBacklog(duration time.Duration, s *server) (missing []int) {
	w.t.Helper()
	const samples = 20
	tick := time.NewTicker(duration / samples)
	defer tick.Stop()
	for len(missing) < samples {
		<-tick.C
		s.lives()
		missing = append(missing, w.ledger.now().missing)
	}
	return missing
}

func median(of []int) int {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
