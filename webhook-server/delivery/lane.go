package delivery

import (
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// lane is the state of one destination: what is under way, how it has been doing, how fast it may go.
type lane struct {
	name string

	mu sync.Mutex
	// running: a goroutine serves the lane. woken: something may have become due since it last claimed.
	running, woken bool
	// inFlight counts the attempts under way or about to start, those of Forward too; sending only those under way.
	inFlight, sending int
	ownTaken          bool          // one of them uses the lane's own slot
	changed           chan struct{} // closed and replaced whenever one of them ends
	circuit           circuit
	reasons           []Reason // of the failures in a row that the circuit counts
	limiter           *rate.Limiter
	target            target
}

func newLane(name string) *lane {
	return &lane{name: name, changed: make(chan struct{}), limiter: rate.NewLimiter(rate.Inf, 1)}
}

// admission is what admit found.
type admission struct {
	// n attempts may start now; they count as under way from here on.
	n int
	// wait is how long none may start when n is 0, unless changed is closed before; 0 means until then.
	wait    time.Duration
	changed <-chan struct{}
	// probe says that the one attempt is the probe of an open circuit, to be chosen from what is due.
	probe bool
	// forgave says that an open circuit was closed because the destination is another one now, and reasons why it had been open.
	forgave bool
	reasons []Reason
}

// admit says how many attempts may start now.
func (l *lane) admit(lim limits, now time.Time) admission {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := admission{changed: l.changed}
	if l.target != lim.target {
		if a.forgave = l.circuit.isOpen(); a.forgave {
			a.reasons = l.reasons
		}
		l.target, l.circuit, l.reasons = lim.target, circuit{}, nil
	}
	l.setRate(lim.maxPerSecond, now)
	if a.wait = l.circuit.wait(now); a.wait > 0 {
		return a
	}
	n := l.circuit.admits(lim.maxInFlight, l.inFlight)
	if n == 0 {
		return a
	}
	if l.limiter.Limit() != rate.Inf {
		tokens := l.limiter.TokensAt(now)
		if tokens < 1 {
			a.wait = time.Duration(math.Ceil((1 - tokens) / float64(l.limiter.Limit()) * float64(time.Second)))
			return a
		}
		n = min(n, int(tokens))
	}
	l.inFlight += n
	a.n, a.probe = n, l.circuit.choosesProbe()
	return a
}

// setRate lets a tenth of a second's worth go at once, so that a claim is worth its while.
func (l *lane) setRate(perSecond int, now time.Time) {
	limit, burst := rate.Inf, 1
	if perSecond > 0 {
		limit, burst = rate.Limit(perSecond), max(1, perSecond/10)
	}
	if l.limiter.Limit() != limit {
		l.limiter.SetLimitAt(now, limit)
		l.limiter.SetBurstAt(now, burst)
	}
}

// takeOwn takes the lane's own slot, if it is free.
func (l *lane) takeOwn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ownTaken {
		return false
	}
	l.ownTaken = true
	return true
}

// begin starts n of the admitted attempts and takes the rate limit's tokens for them. Only the lane's one goroutine takes tokens, so
// they are there.
func (l *lane) begin(n int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n == 0 {
		return
	}
	l.sending += n
	l.limiter.AllowN(now, n)
	l.circuit = l.circuit.began(now)
}

// end notes that an attempt is not under way any more; leave gives its place free.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sending--
}

// leave gives the places of n attempts free: of those that have ended, or that were admitted and not used. own says that one of them had the lane's own slot.
func (l *lane) leave(n int, own bool) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight -= n
	if own {
		l.ownTaken = false
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// learned is what an attempt changed about a lane.
type learned struct {
	// changed: the circuit opened or closed; open is what it is now.
	changed, open bool
	// reasons are why attempts failed while a circuit was open that closed now.
	reasons []Reason
}

// succeeded takes in that an attempt was delivered.
func (l *lane) succeeded() learned {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := learned{changed: l.circuit.isOpen()}
	if found.changed {
		found.reasons = l.reasons
	}
	l.circuit, l.reasons = l.circuit.succeeded(), nil
	return found
}

// failed takes in that an attempt failed by the destination.
func (l *lane) failed(v Verdict, started, now time.Time) learned {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.circuit.isOpen()
	l.circuit = l.circuit.failed(started, now)
	if v.pausesLane() {
		l.circuit = l.circuit.paused(v.RetryAfter, now)
	}
	if !slices.Contains(l.reasons, v.Reason) {
		l.reasons = append(l.reasons, v.Reason)
	}
	return learned{changed: was != l.circuit.isOpen(), open: l.circuit.isOpen()}
}

func (l *lane) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.circuit.isOpen()
}

// watch says whether the lane's own slot is free, and answers a channel that is closed when an attempt ends from now on.
func (l *lane) watch() (ownFree bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.ownTaken, l.changed
}

// enter counts one more attempt, if the limit allows it; else it answers the channel to wait on.
func (l *lane) enter(maxInFlight int) (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= maxInFlight {
		return false, l.changed
	}
	l.inFlight++
	l.sending++
	return true, nil
}

// wake notes that something may have become due, and says whether a goroutine has to be started for it.
func (l *lane) wake() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.woken = true
	started := !l.running
	l.running = true
	return started
}

// look forgets the wakes so far: a claim that begins now sees what they were for.
func (l *lane) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.woken = false
}

// rest ends the lane's goroutine, unless something has become due since it last looked.
func (l *lane) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = l.woken
	return !l.running
}

// isIdle says that forgetting the lane loses nothing. How a destination that is gone has been doing is nothing to remember.
func (l *lane) isIdle(now time.Time, gone bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.limiter.Limit() == rate.Inf || l.limiter.TokensAt(now) >= float64(l.limiter.Burst())
	return !l.running && l.inFlight == 0 && (gone || l.circuit == (circuit{}) && full)
}
