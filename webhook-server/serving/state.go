package serving

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
}

// Problem is a document that is not served, and why. The last good one, if any, serves on.
type Problem struct {
	Object string
	Err    error
}

// State holds the current Snapshot and makes the next one from updates. What cannot be decoded or compiled never replaces what can.
type State struct {
	logger  *slog.Logger
	current atomic.Pointer[Snapshot]
	synced  chan struct{} // closed once
	once    sync.Once

	mu       sync.Mutex
	versions map[string]string              // by object: the version last seen, good or not
	gateways map[string]*api.Gateway        // by namespace/name: the last that decodes
	secrets  map[string]*api.GatewaySecrets // by namespace/name
	clients  map[string]*api.Client         // by namespace/name
	compiled map[string]*Gateway            // by namespace/name: the last that compiles
	problems map[string]error               // by object
}

// NewState is empty and not synced.
func NewState(logger *slog.Logger) *State {
	s := &State{
		logger:   logger,
		synced:   make(chan struct{}),
		versions: map[string]string{},
		gateways: map[string]*api.Gateway{},
		secrets:  map[string]*api.GatewaySecrets{},
		clients:  map[string]*api.Client{},
		compiled: map[string]*Gateway{},
		problems: map[string]error{},
	}
	s.current.Store(&Snapshot{})
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

// Problems lists the documents that are not served, ordered by object.
func (s *State) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Problem, 0, len(s.problems))
	for _, object := range slices.Sorted(maps.Keys(s.problems)) {
		list = append(list, Problem{object, s.problems[object]})
	}
	return list
}

// Apply takes updates in any order and publishes one new Snapshot, if anything changed.
func (s *State) Apply(updates []Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	dirty := map[string]bool{} // gateways to compile, by namespace/name
	for _, u := range updates {
		if s.take(u, dirty) {
			changed = true
		}
	}
	if !changed {
		return
	}
	for _, resource := range slices.Sorted(maps.Keys(dirty)) {
		s.compile(resource)
	}
	s.current.Store(s.build())
}

// take files one update and says whether it changed anything.
func (s *State) take(u Update, dirty map[string]bool) bool {
	if u.Data == nil {
		return s.remove(u.Object, dirty)
	}
	version := api.VersionOf(u.Data)
	if s.versions[u.Object] == version {
		return false
	}
	s.versions[u.Object] = version
	d, err := api.Decode(u.Data)
	if err == nil && d.Head().ObjectName() != u.Object {
		err = fmt.Errorf("it holds the document of %s", d.Head().ObjectName())
	}
	if err != nil {
		s.refuse(u.Object, err)
		return false
	}
	delete(s.problems, u.Object)
	resource := resourceOf(d.Head())
	switch d := d.(type) {
	case *api.Gateway:
		s.gateways[resource] = d
		dirty[resource] = true
	case *api.GatewaySecrets:
		s.secrets[resource] = d
		dirty[resource] = true
	case *api.Client:
		s.clients[resource] = d
	}
	return true
}

// remove forgets an object. Secrets that go before their gateway leave it served as it was compiled.
func (s *State) remove(object string, dirty map[string]bool) bool {
	if _, known := s.versions[object]; !known {
		return false
	}
	delete(s.versions, object)
	delete(s.problems, object)
	prefix, rest, _ := strings.Cut(object, ".")
	resource := strings.Replace(rest, ".", "/", 1)
	switch prefix {
	case "gateway":
		delete(s.gateways, resource)
		delete(s.compiled, resource)
	case "gateway-secrets":
		delete(s.secrets, resource)
		dirty[resource] = true
	case "client":
		delete(s.clients, resource)
	}
	return true
}

// compile makes a gateway from its two documents, or leaves the one that is there.
func (s *State) compile(resource string) {
	doc := s.gateways[resource]
	if doc == nil {
		return
	}
	secrets := s.secrets[resource]
	if secrets == nil {
		secrets = &api.GatewaySecrets{}
	}
	g, err := compileGateway(doc, secrets)
	if err != nil {
		s.refuse(doc.ObjectName(), err)
		return
	}
	delete(s.problems, doc.ObjectName())
	s.compiled[resource] = g
}

func (s *State) refuse(object string, err error) {
	s.problems[object] = err
	s.logger.Error("serving document refused, the last good one serves on", "object", object, "error", err)
}

// build makes the look-up tables. Gateways that claim one merchantGatewayId are an operator's fault; the first by name is served.
func (s *State) build() *Snapshot {
	next := &Snapshot{
		gateways:   make(map[string]*Gateway, len(s.compiled)),
		byResource: make(map[string]*Gateway, len(s.compiled)),
		tokenPaths: map[string][]*Gateway{},
		clients:    make(map[string][]*Client, len(s.clients)),
	}
	for _, resource := range slices.Sorted(maps.Keys(s.compiled)) {
		g := s.compiled[resource]
		if next.gateways[g.GatewayID] != nil {
			s.refuse(g.ObjectName(), fmt.Errorf("gatewayID %s is served for another gateway", g.GatewayID))
			continue
		}
		next.gateways[g.GatewayID] = g
		next.byResource[resource] = g
		for _, e := range g.TokenEndpoints {
			next.tokenPaths[e.Path] = append(next.tokenPaths[e.Path], g)
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(s.clients)) {
		c := s.clients[resource]
		// A client whose gateway has not arrived yet, or has gone, is not served; it is no fault of the document's.
		if g := next.byResource[c.Namespace+"/"+c.Gateway]; g != nil {
			next.clients[c.ClientID] = append(next.clients[c.ClientID], &Client{Client: c, Gateway: g})
		}
	}
	return next
}

func resourceOf(h api.Header) string { return h.Namespace + "/" + h.Name }
