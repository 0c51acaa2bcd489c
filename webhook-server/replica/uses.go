package replica

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// shards is how many parts Uses has. The first use of a credential copies its part.
const shards = 256

// Uses remembers when each credential and each signing key was last used, to the second. What the documents do not name any more is
// forgotten by the next look, so that its size is bounded by theirs. All methods may be called at once from many goroutines.
type Uses struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard is one part: a map that never changes, so that a use of what is known takes no lock.
type shard struct {
	entries atomic.Pointer[map[credential]*lastUse]
	mu      sync.Mutex // held to put another map in its place
}

// credential names a credential of a client, or a signing key of a gateway.
type credential struct {
	kind            api.Kind
	namespace, name string
	id              string
}

// objectName is the name of the object that holds its document.
func (c credential) objectName() string {
	return api.Header{Kind: c.kind, Namespace: c.namespace, Name: c.name}.ObjectName()
}

// parseCredential is the inverse of objectName, for the two kinds whose uses are reported.
func parseCredential(object, id string) (credential, bool) {
	for _, kind := range []api.Kind{api.KindClient, api.KindGateway} {
		c := credential{kind: kind, id: id}
		rest, ok := strings.CutPrefix(object, strings.TrimSuffix(c.objectName(), "."))
		if !ok {
			continue
		}
		if c.namespace, c.name, ok = strings.Cut(rest, "."); ok && c.objectName() == object {
			return c, true
		}
	}
	return credential{}, false
}

// lastUse is a Unix time in seconds that only grows, with the name of the object that holds the credential's document.
type lastUse struct {
	seconds atomic.Int64
	object  string
}

// advance costs no write to shared memory when it was used in the same second already.
func (u *lastUse) advance(seconds int64) {
	for {
		known := u.seconds.Load()
		if seconds <= known || u.seconds.CompareAndSwap(known, seconds) {
			return
		}
	}
}

// NewUses knows of no use.
func NewUses() *Uses {
	u := &Uses{seed: maphash.MakeSeed()}
	for i := range u.shards {
		u.shards[i].entries.Store(&map[credential]*lastUse{})
	}
	return u
}

// Used notes that the credential or signing key with that id, of the document with that header, was used. It is made for the path of every
// request: it takes no lock and allocates nothing unless it is the first use.
func (u *Uses) Used(document *api.Header, id string, at time.Time) {
	u.note(credential{document.Kind, document.Namespace, document.Name, id}, at.Unix())
}

func (u *Uses) note(c credential, seconds int64) {
	s := u.shard(c)
	use := (*s.entries.Load())[c]
	if use == nil {
		use = s.add(c)
	}
	use.advance(seconds)
}

func (u *Uses) shard(c credential) *shard {
	return &u.shards[(maphash.String(u.seed, c.name)^maphash.String(u.seed, c.id))%shards]
}

func (s *shard) add(c credential) *lastUse {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.entries.Load()
	if use := known[c]; use != nil {
		return use
	}
	more := make(map[credential]*lastUse, len(known)+1)
	maps.Copy(more, known)
	use := &lastUse{object: c.objectName()}
	more[c] = use
	s.entries.Store(&more)
	return use
}

// retain forgets what known does not want, and answers the rest in no order.
func (u *Uses) retain(known func(credential) (several, ok bool)) []use {
	var all []use
	for i := range u.shards {
		var gone []credential
		for c, last := range *u.shards[i].entries.Load() {
			several, ok := known(c)
			if !ok {
				gone = append(gone, c)
				continue
			}
			all = append(all, use{credential: c, object: last.object, seconds: last.seconds.Load(), several: several})
		}
		if gone != nil {
			u.shards[i].forget(gone)
		}
	}
	return all
}

// forget removes entries. A use at the same moment may be lost: the documents do not name the credential any more.
func (s *shard) forget(gone []credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fewer := maps.Clone(*s.entries.Load())
	for _, c := range gone {
		delete(fewer, c)
	}
	s.entries.Store(&fewer)
}

// use is the last use of a credential or signing key.
type use struct {
	credential
	object  string
	seconds int64 // Unix time
	// several says that it is one of several live credentials of a client: the operator may be waiting for the moment when it is used no more.
	several bool
}
