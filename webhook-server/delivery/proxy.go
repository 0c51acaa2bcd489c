package delivery

import (
	"sync"
	"time"
)

const (
	// shortestProxyPause doubles with each fault in a row, up to longestProxyPause.
	shortestProxyPause = time.Second
	longestProxyPause  = time.Minute
	// proxyTurn is how long others leave the one attempt alone that is to find out whether the proxy works again.
	proxyTurn = 5 * time.Second
	// proxyMemory is how long it is remembered that a lane was held up by the proxy.
	proxyMemory = 30 * 24 * time.Hour
)

// proxy is what the dispatcher knows of the egress proxy: one for all lanes, so that many of them do not wear down a proxy that is down
// already. Those that have met its fault take turns, one attempt at a time; the first that gets through sets all free. The others
// are not held up: what looks like a fault of the proxy may concern a few destinations only.
type proxy struct {
	mu        sync.Mutex
	failing   map[string]time.Time // the lanes that have met its fault, and since when
	pauses    int                  // so far
	notBefore time.Time            // the next attempt of them
	turn      string               // the lane that made the last one; empty once it has failed
	works     chan struct{}        // closed and replaced when they are set free
	// passedAt is when it last let anybody's attempt pass, and worked when it did so for the first time after a lane had met its fault.
	passedAt time.Time
	worked   map[string]time.Time
}

func newProxy() proxy {
	return proxy{failing: map[string]time.Time{}, works: make(chan struct{}), worked: map[string]time.Time{}}
}

// lineUp says how long the lane may not start an attempt, unless works is closed before. Failing says that it may start one only, by takeTurn.
func (p *proxy) lineUp(lane string, now time.Time) (failing bool, wait time.Duration, works <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, met := p.failing[lane]; !met {
		return false, 0, nil
	}
	return true, max(0, p.notBefore.Sub(now)), p.works
}

// takeTurn says whether a failing lane may start its one attempt now.
func (p *proxy) takeTurn(lane string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.notBefore) {
		return false
	}
	p.notBefore, p.turn = now.Add(proxyTurn), lane
	return true
}

// failed notes that the proxy failed an attempt of the lane, and answers when the next one may be made. First says that until then it had failed none.
// Only a failed turn lengthens the pause: of many attempts that were under way together each would. Jitter is from [0, 1).
func (p *proxy) failed(lane string, now time.Time, jitter float64) (next time.Time, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = len(p.failing) == 0
	if _, met := p.failing[lane]; !met {
		p.failing[lane] = now
	}
	if first || p.turn == lane {
		pause := min(shortestProxyPause<<p.pauses, longestProxyPause)
		if pause < longestProxyPause {
			p.pauses++
		}
		p.notBefore, p.turn = now.Add(pause+time.Duration(jitter*stretch*float64(pause))), ""
	}
	return later(p.notBefore, now), first
}

// passed notes that an attempt of the lane was not failed by the proxy. Free says that it set the failing lanes free by that.
func (p *proxy) passed(lane string, now time.Time) (free bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, since := range p.failing {
		if !p.passedAt.After(since) {
			p.worked[name] = now
		}
	}
	p.passedAt = now
	if _, met := p.failing[lane]; !met {
		return false
	}
	for name, at := range p.worked {
		if now.Sub(at) > proxyMemory {
			delete(p.worked, name)
		}
	}
	clear(p.failing)
	p.pauses, p.notBefore, p.turn = 0, time.Time{}, ""
	close(p.works)
	p.works = make(chan struct{})
	return true
}

// heldUntil is until when the proxy held up the lane together with all others: now while it does, zero when it did not. Blocked says that it fails
// this lane still, but let others pass.
func (p *proxy) heldUntil(lane string, now time.Time) (until time.Time, blocked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since, met := p.failing[lane]
	if met && !p.passedAt.After(since) {
		return now, false
	}
	return p.worked[lane], met
}

// proxyFailed notes a fault of the egress proxy and answers when to try again.
func (d *Dispatcher) proxyFailed(lane string, ended time.Time) time.Time {
	next, first := d.proxy.failed(lane, ended, d.jitter())
	if first {
		d.observer.ProxyChanged(true)
		d.logger.Warn("egress proxy fails", "lane", lane)
	}
	return next
}

// proxyPassed notes that the egress proxy let an attempt pass.
func (d *Dispatcher) proxyPassed(lane string, ended time.Time) {
	if d.proxy.passed(lane, ended) {
		d.observer.ProxyChanged(false)
		d.logger.Info("egress proxy works again")
	}
}
