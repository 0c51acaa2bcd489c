package serving

import (
	"errors"
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
	// Err says why an object that is there cannot be read; Data is nil then.
	Err error
}

// Problem is a document that is not served, and why.
type Problem struct {
	Object string
	Err    error
	// Replaced says whether its last good version is served in its place.
	Replaced bool
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
	clients  map[string]*Client             // by namespace/name, without their gateway
	compiled map[string]*Gateway            // by namespace/name: the last that compiles
	problems map[string]error               // by object

	authorities authoritiesByText
}

// NewState is empty and not synced.
func NewState(logger *slog.Logger) *State {
	s := &State{
		logger:   logger,
		synced:   make(chan struct{}),
		versions: map[string]string{},
		gateways: map[string]*api.Gateway{},
		secrets:  map[string]*api.GatewaySecrets{},
		clients:  map[string]*Client{},
		compiled: map[string]*Gateway{},
		problems: map[string]error{},

		authorities: authoritiesByText{},
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
		list = append(list, Problem{object, s.problems[object], s.isServed(object)})
	}
	return list
}

// isServed says whether some version of the object's document is served.
func (s *State) isServed(object string) bool {
	kind, resource := split(object)
	switch kind {
	case api.KindGateway, api.KindGatewaySecrets:
		return s.compiled[resource] != nil
	case api.KindClient:
		return s.clients[resource] != nil
	default:
		return false
	}
}

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
	s.authorities.retain(s.compiled)
	s.current.Store(s.build())
}

// take files one update and says whether it changed anything.
func (s *State) take(u Update, dirty map[string]bool) bool {
	if u.Err != nil {
		s.versions[u.Object] = ""
		s.refuse(u.Object, u.Err)
		return true
	}
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
	var client *Client
	if doc, ok := d.(*api.Client); ok && err == nil {
		client, err = compileClient(doc)
	}
	if err != nil {
		s.refuse(u.Object, err)
		return true // whether the snapshot is complete may have changed
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
		s.clients[resource] = client
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
	kind, resource := split(object)
	switch kind {
	case api.KindGateway:
		delete(s.gateways, resource)
		delete(s.compiled, resource)
	case api.KindGatewaySecrets:
		delete(s.secrets, resource)
		dirty[resource] = true
	case api.KindClient:
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
	g, err := compileGateway(doc, secrets, s.authorities)
	if err != nil {
		s.refuse(doc.ObjectName(), err)
		return
	}
	delete(s.problems, doc.ObjectName())
	s.compiled[resource] = g
}

func (s *State) refuse(object string, err error) {
	s.problems[object] = err
	if errors.Is(err, errMaterialMissing) {
		// A Gateway is often seen before its GatewaySecrets; what stays so shows in readiness and metrics.
		s.logger.Info("serving document waits for its secrets", "object", object, "error", err, "lastGoodServes", s.isServed(object))
		return
	}
	s.logger.Error("serving document refused", "object", object, "error", err, "lastGoodServes", s.isServed(object))
}

func resourceOf(h api.Header) string { return h.Namespace + "/" + h.Name }
