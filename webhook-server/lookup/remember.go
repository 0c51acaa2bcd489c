package lookup

import (
	"crypto/sha256"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// key names a token of a gateway. A changed tokenLookup.url is another key: what the old one answered is forgotten. It is of one size,
// however long the URL, and holds no token id.
type key struct {
	gateway string // namespace/name
	url     [sha256.Size]byte
}

// question is a request for what is not remembered.
type question struct {
	key
	url string // with the merchant and the token filled in
}

func questionAbout(g *serving.Gateway, merchantID, tokenID string) question {
	url := expand(g.TokenLookup.URL, merchantID, tokenID)
	return question{key: key{gateway: g.Namespace + "/" + g.Name, url: sha256.Sum256([]byte(url))}, url: url}
}

// remembered answers from the caches.
func (l *Lookup) remembered(k key) (Answer, bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if until, ok := l.known.get(k); ok {
		if now.Before(until) {
			return Known, true
		}
		l.known.delete(k)
	}
	if until, ok := l.unknown.get(k); ok {
		if now.Before(until) {
			return Unknown, true
		}
		l.unknown.delete(k)
	}
	return 0, false
}

func (l *Lookup) learnKnown(k key, keep time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sightings.delete(k)
	l.unknown.delete(k)
	if keep > 0 {
		l.known.set(k, now.Add(keep))
	}
}

// learnUnknown notes the first sighting of a token and answers TooEarly until its grace is over. During the grace nothing is cached:
// the platform is asked each time, the last time when the grace is over, so that no token is refused that it has recorded by then.
func (l *Lookup) learnUnknown(k key, g *serving.Gateway) Answer {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if grace := time.Duration(g.TokenLookup.NewTokenGraceSeconds) * time.Second; grace > 0 {
		first, seen := l.sightings.get(k)
		if !seen {
			l.sightings.set(k, now)
			first = now
		}
		if now.Before(first.Add(grace)) {
			return TooEarly
		}
	}
	if keep := min(unknownTime, time.Duration(g.TokenLookup.CacheSeconds)*time.Second); keep > 0 {
		l.unknown.set(k, now.Add(keep))
	}
	return Unknown
}

// enter counts a request of the gateway, if it may send one more.
func (l *Lookup) enter(gateway string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.underWay[gateway] >= maxInFlight {
		return false
	}
	l.underWay[gateway]++
	return true
}

func (l *Lookup) leave(gateway string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.underWay[gateway]--; l.underWay[gateway] == 0 {
		delete(l.underWay, gateway)
	}
}
