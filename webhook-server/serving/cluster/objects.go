package cluster

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/cache"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

// change is the newest that is known of an object and has not been applied yet.
type change struct {
	resource        string
	resourceVersion string
	data            []byte // nil when the object is gone
}

// objects is what a reflector stores of one resource: the changes until they are taken, and the versions by which a list tells what is gone
// or new. The documents themselves are the State's alone.
type objects struct {
	resource string
	wake     func()
	logger   *slog.Logger

	mu      sync.Mutex
	known   map[string]string // by name: the resourceVersion; empty for one that no list or event has told of
	pending map[string]change // by name
	version string            // everything up to it is in pending, or has been taken
	moved   bool              // an event has come whose place in the order is not known yet
	listed  bool
}

var (
	_ cache.ReflectorStore         = (*objects)(nil)
	_ cache.ResourceVersionUpdater = (*objects)(nil)
)

func newObjects(resource string, wake func(), logger *slog.Logger) *objects {
	return &objects{resource: resource, wake: wake, logger: logger, known: map[string]string{}, pending: map[string]change{}}
}

// expect says that the objects of these names are known from before.
func (o *objects) expect(names []string) {
	for _, name := range names {
		o.known[name] = ""
	}
}

func (o *objects) isListed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.listed
}

// take answers everything that is pending, and the version that applying it reaches.
func (o *objects) take() (map[string]change, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.pending
	o.pending = map[string]change{}
	return taken, o.version
}

// Replace takes a list as one whole: its objects come in any order, and its version is reached when all of them have been applied. What is
// not in the list is gone, also when no watch saw it go. A list that tells nothing new leaves the version: it is reached as it was, and a
// higher one would be a report of nothing. A lower one is taken over always: the cluster was restored from a backup, and counts from there.
func (o *objects) Replace(list []any, version string) error {
	found := make(map[string]change, len(list))
	for _, object := range list {
		if name, c, ok := o.read(object); ok {
			found[name] = c
		}
	}
	o.mu.Lock()
	if !o.listed || o.moved || o.tellsNew(found) || isBelow(version, o.version) {
		o.version = version
	}
	for name := range o.pending {
		o.known[name] = "" // also what was to be deleted: that has not been applied
	}
	for name := range o.known {
		if _, there := found[name]; !there {
			found[name] = change{resource: o.resource}
			delete(o.known, name)
		}
	}
	for name, c := range found {
		if c.data != nil {
			o.known[name] = c.resourceVersion
		}
	}
	o.pending, o.moved, o.listed = found, false, true
	o.mu.Unlock()
	o.wake()
	return nil
}

// tellsNew says whether a list differs from what is known.
func (o *objects) tellsNew(found map[string]change) bool {
	if len(found) != len(o.known) {
		return true
	}
	for name, c := range found {
		if known, there := o.known[name]; !there || known != c.resourceVersion {
			return true
		}
	}
	return false
}

// isBelow says whether a version is lower than the other, or cannot be compared with it.
func isBelow(version, than string) bool {
	order, err := resourceversion.CompareResourceVersion(version, than)
	return err != nil || order < 0
}

// Add takes up a new object.
func (o *objects) Add(object any) error {
	name, c, ok := o.read(object)
	if !ok {
		return nil
	}
	o.mu.Lock()
	o.known[name] = c.resourceVersion
	o.pending[name] = c
	o.moved = true
	o.mu.Unlock()
	o.wake()
	return nil
}

// Update takes up a changed object.
func (o *objects) Update(object any) error { return o.Add(object) }

// Delete takes up that an object is gone.
func (o *objects) Delete(object any) error {
	name, _, ok := o.read(object)
	if !ok {
		return nil
	}
	o.mu.Lock()
	delete(o.known, name)
	o.pending[name] = change{resource: o.resource}
	o.moved = true
	o.mu.Unlock()
	o.wake()
	return nil
}

// Resync is asked for by a period that the reflectors do not have.
func (o *objects) Resync() error { return nil }

// UpdateResourceVersion is called after each event of a watch that comes in the order of versions, and after bookmarks. Bookmarks move with
// every object of the cluster: one that follows no event of a document raises nothing, else each minute would be worth a report.
func (o *objects) UpdateResourceVersion(version string) {
	o.mu.Lock()
	order, err := resourceversion.CompareResourceVersion(version, o.version)
	raised := o.moved && err == nil && order > 0
	if raised {
		o.version = version
	}
	o.moved = false
	o.mu.Unlock()
	if raised {
		o.wake()
	}
}

// read finds the document in an object. An object without one is an empty document, which is refused and reported by name. One that
// bears the name of a document of the other resource is passed over: who may write ConfigMaps is not to say what a client's secrets are.
func (o *objects) read(object any) (name string, c change, ok bool) {
	c.resource = o.resource
	switch object := object.(type) {
	case *corev1.Secret:
		name, c.resourceVersion, c.data = object.Name, object.ResourceVersion, object.Data[api.DataKey]
	case *corev1.ConfigMap:
		name, c.resourceVersion, c.data = object.Name, object.ResourceVersion, []byte(object.Data[api.DataKey])
	default:
		o.logger.Error("object is neither a Secret nor a ConfigMap", "type", fmt.Sprintf("%T", object))
		return "", change{}, false
	}
	if c.data == nil {
		c.data = []byte{}
	}
	if resourceOf(name, o.resource) != o.resource {
		o.logger.Error("serving document is passed over, its kind is kept in the other resource", "resource", o.resource, "object", name)
		return "", change{}, false
	}
	return name, c, true
}

// resourceOf answers where the document of that name belongs, or the other resource when no document has that name.
func resourceOf(name, other string) string {
	for _, kind := range []api.Kind{api.KindGateway, api.KindGatewaySecrets, api.KindClient} {
		if !strings.HasPrefix(name, strings.TrimSuffix(api.Header{Kind: kind}.ObjectName(), ".")) {
			continue
		}
		if kind == api.KindGateway {
			return lastgood.ConfigMaps
		}
		return lastgood.Secrets
	}
	return other
}
