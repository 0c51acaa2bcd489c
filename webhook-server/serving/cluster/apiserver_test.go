package cluster

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// apiServer answers list and watch of ConfigMaps and Secrets as a Kubernetes API server does, and can be taken away.
type apiServer struct {
	t       *testing.T
	url     string
	streams bool // whether it speaks WatchList

	mu        sync.Mutex
	away      map[string]bool                      // by resource
	objects   map[string]map[string]runtime.Object // by resource and name
	version   int
	history   []event
	compacted int           // versions up to it are forgotten
	changed   chan struct{} // closed at each change of any of these
	lists     int
}

type event struct {
	resource, kind string
	object         runtime.Object
	version        int
}

func newAPIServer(t *testing.T, streams bool) *apiServer {
	a := &apiServer{
		t: t, streams: streams, version: 90, away: map[string]bool{}, changed: make(chan struct{}),
		objects: map[string]map[string]runtime.Object{"secrets": {}, "configmaps": {}},
	}
	server := httptest.NewServer(a)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	a.url = server.URL
	return a
}

func (a *apiServer) config() *rest.Config { return &rest.Config{Host: a.url} }

// change changes something under the lock and tells the watches.
func (a *apiServer) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	close(a.changed)
	a.changed = make(chan struct{})
}

// put creates or updates objects, and answers the version of the last.
func (a *apiServer) put(objects ...runtime.Object) (version string) {
	a.change(func() {
		for _, object := range objects {
			resource, name := locate(object)
			kind := "MODIFIED"
			if a.objects[resource][name] == nil {
				kind = "ADDED"
			}
			a.record(resource, kind, object)
			a.objects[resource][name] = object
		}
		version = strconv.Itoa(a.version)
	})
	return version
}

func (a *apiServer) delete(objects ...runtime.Object) (version string) {
	a.change(func() {
		for _, object := range objects {
			resource, name := locate(object)
			delete(a.objects[resource], name)
			a.record(resource, "DELETED", object)
		}
		version = strconv.Itoa(a.version)
	})
	return version
}

// record is called under the lock.
func (a *apiServer) record(resource, kind string, object runtime.Object) {
	a.version++
	m, err := meta.Accessor(object)
	if err != nil {
		panic(err)
	}
	m.SetResourceVersion(strconv.Itoa(a.version))
	a.history = append(a.history, event{resource, kind, object.DeepCopyObject(), a.version})
}

// setAway cuts and refuses connections for the resources, or takes them again.
func (a *apiServer) setAway(away bool, resources ...string) {
	a.change(func() {
		for _, resource := range resources {
			a.away[resource] = away
		}
	})
}

// compact forgets what has been, so that no watch can go on from before.
func (a *apiServer) compact() {
	a.change(func() { a.version++; a.compacted, a.history = a.version, nil })
}

// bookmark moves the version on by a change of something that is not watched, and tells the watches.
func (a *apiServer) bookmark() (version string) {
	a.change(func() {
		a.version++
		for resource, kind := range map[string]runtime.Object{"secrets": &corev1.Secret{}, "configmaps": &corev1.ConfigMap{}} {
			a.history = append(a.history, event{resource, "BOOKMARK", bookmarkOf(kind, a.version, nil), a.version})
		}
		version = strconv.Itoa(a.version)
	})
	return version
}

func (a *apiServer) listed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lists
}

func bookmarkOf(kind runtime.Object, version int, annotations map[string]string) runtime.Object {
	object := kind.DeepCopyObject()
	m, err := meta.Accessor(object)
	if err != nil {
		panic(err)
	}
	m.SetResourceVersion(strconv.Itoa(version))
	m.SetAnnotations(annotations)
	return typed(object)
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, ok := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/"+namespace+"/")
	query := r.URL.Query()
	if !ok || query.Get("labelSelector") != api.LabelDocument {
		a.t.Errorf("asked for %s", r.URL)
		http.NotFound(w, r)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away[resource] {
		http.Error(w, "the load balancer knows no API server", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if query.Get("watch") == "" {
		a.list(w, resource)
		return
	}
	a.watch(w, r, resource)
}

// list answers the objects in an order that is not the one of their versions.
func (a *apiServer) list(w http.ResponseWriter, resource string) {
	a.lists++
	items := []runtime.Object{}
	for _, name := range slices.Sorted(maps.Keys(a.objects[resource])) {
		items = append(items, a.objects[resource][name])
	}
	list := map[string]any{
		"apiVersion": "v1", "kind": map[string]string{"secrets": "SecretList", "configmaps": "ConfigMapList"}[resource],
		"metadata": map[string]string{"resourceVersion": strconv.Itoa(a.version)}, "items": items,
	}
	if err := json.NewEncoder(w).Encode(list); err != nil {
		a.t.Error(err)
	}
}

func (a *apiServer) watch(w http.ResponseWriter, r *http.Request, resource string) {
	query, at := r.URL.Query(), a.version
	write := func(kind string, object any) {
		_ = json.NewEncoder(w).Encode(map[string]any{"type": kind, "object": object}) // a client that went away sees nothing
	}
	switch {
	case query.Get("sendInitialEvents") == "true" && !a.streams:
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(status(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid))
		return
	case query.Get("sendInitialEvents") == "true":
		a.lists++
		for _, name := range slices.Sorted(maps.Keys(a.objects[resource])) {
			write("ADDED", typed(a.objects[resource][name]))
		}
		kind := map[string]runtime.Object{"secrets": &corev1.Secret{}, "configmaps": &corev1.ConfigMap{}}[resource]
		write("BOOKMARK", bookmarkOf(kind, a.version, map[string]string{metav1.InitialEventsAnnotationKey: "true"}))
	default:
		from, err := strconv.Atoi(query.Get("resourceVersion"))
		if err != nil {
			a.t.Errorf("a watch from version %q", query.Get("resourceVersion"))
		}
		at = from
	}
	for !a.away[resource] {
		if at < a.compacted {
			write("ERROR", status(http.StatusGone, metav1.StatusReasonExpired))
			return
		}
		for _, e := range a.history {
			if e.resource == resource && e.version > at {
				write(e.kind, typed(e.object))
			}
		}
		at = a.version
		_ = http.NewResponseController(w).Flush()
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		a.mu.Lock()
		if r.Context().Err() != nil {
			return
		}
	}
	panic(http.ErrAbortHandler)
}

func status(code int32, reason metav1.StatusReason) metav1.Status {
	return metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: code, Reason: reason}
}

// typed names the type of an object, as each object of a watch does.
func typed(object runtime.Object) runtime.Object {
	object = object.DeepCopyObject()
	switch o := object.(type) {
	case *corev1.Secret:
		o.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}
	case *corev1.ConfigMap:
		o.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	}
	return object
}

func locate(object runtime.Object) (resource, name string) {
	if secret, ok := object.(*corev1.Secret); ok {
		return "secrets", secret.Name
	}
	return "configmaps", object.(*corev1.ConfigMap).Name
}
