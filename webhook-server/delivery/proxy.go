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
	// proxyGrace is by how much a lane leaves its turn to those that have had fewer, for each that it has had, up to proxyGraces of them: so one
	// that has just met the fault does not draw lots with a hundred that have met it all day.
	proxyGrace  = 200 * time.Millisecond
	proxyGraces = 5
	// blockedMemory is how long a lane that the proxy fails alone is remembered without another fault.
	blockedMemory = time.Hour
	// proxyMemory is how long it is remembered that a lane was held up by the proxy.
	proxyMemory = 30 * 24 * time.Hour
)

// proxy is what the dispatcher knows of the egress proxy, one for all lanes. A proxy that is broken fails everybody, but many answer for one dead
// destination just as if they were broken themselves. What others meet meanwhile tells the two apart.
//
// While nobody passes, the lanes that have met its fault take turns, one attempt at a time for all of them, so that many of them do not wear
// down a proxy that is down already; the first that gets through sets all free. Those that the proxy still fails when another lane has passed
// are blocked: theirs is their own matter, and each has a pause of its own. The others are not held up.
type proxy struct {
	mu        sync.Mutex
	failing   map[string]*proxyFault // by lane: nobody has passed since they met it
	blocked   map[string]*proxyFault // others have
	faults    int                    // of failing in a row
	notBefore time.Time              // the next attempt of failing
	works     chan struct{}          // closed and replaced when lanes are set free or blocked
	// worked is when the proxy let anybody pass for the first time after a lane had met its fault.
	worked map[string]time.Time
}

// proxyFault is what the proxy has done to one lane.
type proxyFault struct {
	first, last time.Time
	turns       int  // since
	underWay    bool // one is
	notBefore   time.Time
}

func newProxy() proxy {
	return proxy{failing: map[string]*proxyFault{}, blocked: map[string]*proxyFault{}, works: make(chan struct{}), worked: map[string]time.Time{}}
}

// proxyPause follows so many faults in a row before the last. Jitter is from [0, 1).
func proxyPause(faults int, jitter float64) time.Duration {
	pause := longestProxyPause
	if faults < 6 {
		pause = shortestProxyPause << faults
	}
	return pause + time.Duration(jitter*stretch*float64(pause))
}

// lineUp says how long the lane may not start an attempt, unless works is closed before. Met says that it may start one only, by takeTurn.
func (p *proxy) lineUp(lane string, now time.Time) (met bool, wait time.Duration, works <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, met := p.turn(lane)
	return met, max(0, at.Sub(now)), p.works
}

// turn is when a lane that has met the fault may start an attempt. The caller holds the lock.
func (p *proxy) turn(lane string) (at time.Time, met bool) {
	if f := p.blocked[lane]; f != nil {
		return f.notBefore, true
	}
	if f := p.failing[lane]; f != nil {
		return p.notBefore.Add(time.Duration(min(f.turns, proxyGraces)) * proxyGrace), true
	}
	return time.Time{}, false
}

// takeTurn says whether a lane that has met the fault may start its one attempt now.
func (p *proxy) takeTurn(lane string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, _ := p.turn(lane); now.Before(at) {
		return false
	}
	f := p.blocked[lane]
	if f == nil {
		f = p.failing[lane]
	}
	if f == nil {
		return true // it has been set free
	}
	f.underWay = true
	f.turns++
	if p.failing[lane] == f {
		p.notBefore = now.Add(proxyTurn)
	}
	return true
}

// failed notes that the proxy failed an attempt of the lane, and answers when the next one may be made. First says that it fails everybody from now on,
// for all that is known. Only a failed turn lengthens a pause: of many attempts that were under way together each would. Jitter is from [0, 1).
func (p *proxy) failed(lane string, now time.Time, jitter float64) (next time.Time, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.blocked[lane]; f != nil {
		if f.underWay {
			f.notBefore = now.Add(proxyPause(f.turns, jitter))
		}
		f.underWay, f.last = false, now
		return later(f.notBefore, now), false
	}
	first = len(p.failing) == 0
	f := p.failing[lane]
	if f == nil {
		f = &proxyFault{first: now}
		p.failing[lane] = f
	}
	if first || f.underWay {
		p.notBefore = now.Add(proxyPause(p.faults, jitter))
		p.faults++
	}
	f.underWay, f.last = false, now
	if soon := now.Add(shortestProxyPause); f.turns == 0 && soon.Before(p.notBefore) {
		return soon, first // the lane waits for its first turn, so as not to come late for it
	}
	return later(p.notBefore, now), first
}

// passed notes that an attempt of the lane was not failed by the proxy. What started before a fault says nothing about the time after it.
// Free says that until then the proxy failed everybody, for all that was known.
func (p *proxy) passed(lane string, started, now time.Time) (free bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.blocked[lane]; f != nil && !started.Before(f.first) {
		delete(p.blocked, lane)
	}
	if len(p.failing) == 0 {
		return false
	}
	own := p.failing[lane]
	everybody := own != nil && !started.Before(own.first)
	for name, f := range p.failing {
		if started.Before(f.first) {
			continue
		}
		delete(p.failing, name)
		p.worked[name] = now
		if !everybody {
			f.turns, f.notBefore, f.last = 0, now, now
			p.blocked[name] = f
		}
	}
	if len(p.failing) > 0 {
		return false
	}
	p.faults, p.notBefore = 0, time.Time{}
	close(p.works)
	p.works = make(chan struct{})
	return true
}

// forget drops what has no meaning any more.
func (p *proxy) forget(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for lane, f := range p.blocked {
		if now.Sub(f.last) > blockedMemory {
			delete(p.blocked, lane)
		}
	}
	for lane, at := range p.worked {
		if now.Sub(at) > proxyMemory {
			delete(p.worked, lane)
		}
	}
}

// heldUntil is until when the proxy held up the lane together with all others: now while it does, zero when it did not. Blocked says that it fails
// this lane still, but let others pass.
func (p *proxy) heldUntil(lane string, now time.Time) (until time.Time, blocked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failing[lane] != nil {
		return now, false
	}
	return p.worked[lane], p.blocked[lane] != nil
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
func (d *Dispatcher) proxyPassed(lane string, started, ended time.Time) {
	if d.proxy.passed(lane, started, ended) {
		d.observer.ProxyChanged(false)
		d.logger.Info("egress proxy works again")
	}
}
