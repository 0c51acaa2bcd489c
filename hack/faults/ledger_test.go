package faults

import (
	"slices"
	"sync"
	"time"
)

// ledger holds what D1 was answered 204 against what reached the merchant. Each notification is of a token of its own.
type ledger struct {
	mu           sync.Mutex
	acknowledged map[string]time.Time // by token
	delivered    map[string]time.Time // by token, the first time
	times        map[string]int       // deliveries by webhook-id
	duplicates   int
	missing      int // acknowledged and not delivered
	delays       []time.Duration

	events   int64 // acknowledgements and deliveries so far
	watchers []watcher
}

// watcher is told when the condition, which is asked after each event, holds.
type watcher struct {
	holds func(l *ledger) bool
	done  chan struct{}
}

func newLedger() *ledger {
	return &ledger{acknowledged: map[string]time.Time{}, delivered: map[string]time.Time{}, times: map[string]int{}}
}

// acknowledge notes a 204 for the token.
func (l *ledger) acknowledge(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[token] = time.Now()
	if _, already := l.delivered[token]; already {
		l.delays = append(l.delays, 0)
	} else {
		l.missing++
	}
	l.happened()
}

// deliver notes that the merchant has got the token's notification under the webhook-id.
func (l *ledger) deliver(id, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.times[id]++; l.times[id] > 1 {
		l.duplicates++
	}
	if _, again := l.delivered[token]; !again {
		l.delivered[token] = now
		if at, ok := l.acknowledged[token]; ok {
			l.missing--
			l.delays = append(l.delays, now.Sub(at))
		}
	}
	l.happened()
}

// refuse notes a 503.
func (l *ledger) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
}

func (l *ledger) happened() {
	l.events++
	l.tell()
}

// tell closes the channels of those whose condition holds now.
func (l *ledger) tell() {
	l.watchers = slices.DeleteFunc(l.watchers, func(w watcher) bool {
		if !w.holds(l) {
			return false
		}
		close(w.done)
		return true
	})
}

// when answers a channel that is closed once the condition holds. It is asked with the ledger locked.
func (l *ledger) when(holds func(l *ledger) bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := make(chan struct{})
	if holds(l) {
		close(done)
		return done
	}
	l.watchers = append(l.watchers, watcher{holds, done})
	return done
}

// after is when so many more events have happened.
func (l *ledger) after(count int64) <-chan struct{} {
	target := l.now().events + count
	return l.when(func(l *ledger) bool { return l.events >= target })
}

// acknowledgedAgain is when so many more have been acknowledged.
func (l *ledger) acknowledgedAgain(count int) <-chan struct{} {
	target := l.now().acknowledged + count
	return l.when(func(l *ledger) bool { return len(l.acknowledged) >= target })
}

// deliveredAgain is when so many more have been delivered.
func (l *ledger) deliveredAgain(count int) <-chan struct{} {
	target := l.now().delivered + count
	return l.when(func(l *ledger) bool { return len(l.delivered) >= target })
}

// complete is when everything acknowledged has been delivered.
func (l *ledger) complete() <-chan struct{} {
	return l.when(func(l *ledger) bool { return l.missing == 0 })
}

// counts is how the ledger stands.
type counts struct {
	acknowledged, delivered, missing, duplicates int
	events                                       int64
}

func (l *ledger) now() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return counts{len(l.acknowledged), len(l.delivered), l.missing, l.duplicates, l.events}
}

// lost names up to ten that were acknowledged and have not been delivered.
func (l *ledger) lost() (tokens []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token := range l.acknowledged {
		if _, ok := l.delivered[token]; !ok && len(tokens) < 10 {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// sortedDelays are the times from 204 to the delivery, the shortest first.
func (l *ledger) sortedDelays() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.delays))
}
