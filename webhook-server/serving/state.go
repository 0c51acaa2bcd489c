package serving

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// Update is one object (or file) as a source found it.
type Update struct {
	// Object is its name, without ".json": see api.Header.ObjectName.
	Object string
	// Data is the encoded document; nil says that the object is gone.
	Data []byte
	// Err says why an object that is there cannot be read; Data is nil then.
	Err error
}

// Batch is what a source has found since its last one.
type Batch struct {
	Updates []Update
	// ConfigMaps and Secrets are the resourceVersions up to which all changes have been applied with this batch. Empty says no more than before.
	ConfigMaps, Secrets string
	// Copy says that the updates come from the last good copy on disk, and not from the cluster.
	Copy bool
}

// State holds the current Snapshot and makes the next one from updates. What cannot be decoded or compiled never replaces what can.
type State struct {
	logger  *slog.Logger
	current atomic.Pointer[Snapshot]
	synced  chan struct{} // closed once
	once    sync.Once
	changes chan struct{} // buffered by one

	mu        sync.Mutex
	versions  map[string]string              // by object: the version last seen, good or not
	gateways  map[string]*api.Gateway        // by namespace/name: the last that decodes
	secrets   map[string]*api.GatewaySecrets // by namespace/name
	clients   map[string]*Client             // by namespace/name, without their gateway
	compiled  map[string]*Gateway            // by namespace/name: the last that compiles
	answering map[string]*Gateway            // by namespace/name: those of compiled that answer D1
	problems  problems

	configMapsVersion, secretsVersion string
	stale                             bool

	authorities authoritiesByText
}

// NewState is empty and not synced.
func NewState(logger *slog.Logger) *State {
	s := &State{
		logger:    logger,
		synced:    make(chan struct{}),
		changes:   make(chan struct{}, 1),
		versions:  map[string]string{},
		gateways:  map[string]*api.Gateway{},
		secrets:   map[string]*api.GatewaySecrets{},
		clients:   map[string]*Client{},
		compiled:  map[string]*Gateway{},
		answering: map[string]*Gateway{},
		problems:  newProblems(),

		authorities: authoritiesByText{},
	}
	s.current.Store(&Snapshot{clients: newClientTable()})
	return s
}

// Snapshot is what is served now; never nil.
func (s *State) Snapshot() *Snapshot { return s.current.Load() }

// Synced says whether the source has been read in full once.
func (s *State) Synced() bool {
	select {
	case <-s.synced:
		return true
	default:
		return false
	}
}

// WaitSynced is closed once the source has been read in full.
func (s *State) WaitSynced() <-chan struct{} { return s.synced }

// MarkSynced is called by a source after its first full reading has been applied.
func (s *State) MarkSynced() { s.once.Do(func() { close(s.synced) }) }

// split is the inverse of api.Header.ObjectName; the kind is empty for a name that no document has.
func split(object string) (kind api.Kind, resource string) {
	for _, kind := range []api.Kind{api.KindGateway, api.KindGatewaySecrets, api.KindClient} {
		prefix := strings.TrimSuffix(api.Header{Kind: kind}.ObjectName(), ".")
		if rest, ok := strings.CutPrefix(object, prefix); ok {
			return kind, strings.Replace(rest, ".", "/", 1)
		}
	}
	return "", ""
}

// Apply takes updates of different objects in any order and publishes one new Snapshot, if anything changed.
func (s *State) Apply(updates []Update) { s.ApplyBatch(Batch{Updates: updates}) }

// ApplyBatch is Apply that also tells how far the source has come.
func (s *State) ApplyBatch(b Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := touched{gateways: map[string]bool{}, clients: map[string]*Client{}}
	for _, u := range b.Updates {
		s.take(u, &t)
	}
	published := t.any || s.stale != b.Copy
	s.stale = b.Copy
	if published {
		s.publish(&t)
	}
	if s.reach(b) || published {
		s.signal()
	}
}

// touched is what the updates of one batch concern.
type touched struct {
	any      bool               // whether anything changed, were it only a problem
	gateways map[string]bool    // to compile, by namespace/name
	dropped  bool               // a compiled gateway is gone
	clients  map[string]*Client // by namespace/name, as they were before; nil when there was none
}

// take files one update.
func (s *State) take(u Update, t *touched) {
	if u.Err != nil {
		s.versions[u.Object] = ""
		s.refuse(s.problems.unread, u.Object, u.Err)
		t.any = true
		return
	}
	if u.Data == nil {
		s.remove(u.Object, t)
		return
	}
	version := api.VersionOf(u.Data)
	if s.versions[u.Object] == version {
		return
	}
	s.versions[u.Object] = version
	t.any = true
	d, err := api.Decode(u.Data)
	if err == nil && d.Head().ObjectName() != u.Object {
		err = fmt.Errorf("it holds the document of %s", d.Head().ObjectName())
	}
	var client *Client
	if doc, ok := d.(*api.Client); ok && err == nil {
		client, err = compileClient(doc)
	}
	if err != nil {
		s.refuse(s.problems.unread, u.Object, err)
		return // whether the snapshot is complete may have changed
	}
	delete(s.problems.unread, u.Object)
	resource := resourceOf(d.Head())
	switch d := d.(type) {
	case *api.Gateway:
		s.gateways[resource] = d
		t.gateways[resource] = true
	case *api.GatewaySecrets:
		s.secrets[resource] = d
		t.gateways[resource] = true
	case *api.Client:
		s.setClient(resource, client, t)
	}
}

// remove forgets an object. Secrets that go before their gateway leave it served as it was compiled.
func (s *State) remove(object string, t *touched) {
	if _, known := s.versions[object]; !known {
		return
	}
	t.any = true
	delete(s.versions, object)
	s.problems.forget(object)
	kind, resource := split(object)
	switch kind {
	case api.KindGateway:
		t.dropped = t.dropped || s.compiled[resource] != nil
		delete(s.gateways, resource)
		delete(s.compiled, resource)
	case api.KindGatewaySecrets:
		delete(s.secrets, resource)
		t.gateways[resource] = true
	case api.KindClient:
		s.setClient(resource, nil, t)
	}
}

func (s *State) setClient(resource string, c *Client, t *touched) {
	if _, known := t.clients[resource]; !known {
		t.clients[resource] = s.clients[resource]
	}
	if c == nil {
		delete(s.clients, resource)
		return
	}
	s.clients[resource] = c
}

func resourceOf(h api.Header) string { return h.Namespace + "/" + h.Name }
