package cluster

import (
	"context"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const namespace = "d1gateway-system"

// object is a document as the operator writes it.
func object(t *testing.T, d api.Document) runtime.Object {
	t.Helper()
	data, err := api.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	head := metav1.ObjectMeta{Namespace: namespace, Name: d.Head().ObjectName(), Labels: map[string]string{api.LabelDocument: string(d.Head().Kind)}}
	if d.Head().Kind == api.KindGateway {
		return &corev1.ConfigMap{ObjectMeta: head, Data: map[string]string{api.DataKey: string(data)}}
	}
	return &corev1.Secret{ObjectMeta: head, Data: map[string][]byte{api.DataKey: data}}
}

// follow runs a source over the base documents until the test ends. Whether a real API server is followed is tested with the whole
// product, in hack/local.
func follow(t *testing.T) (*fake.Clientset, *fixture.World, *serving.State) {
	t.Helper()
	w := fixture.New(t)
	client := fake.NewClientset(object(t, w.Gateway), object(t, w.Secrets), object(t, w.Client))
	state := serving.NewState(slog.New(slog.DiscardHandler))
	source, err := newSource(client, Options{Namespace: namespace, State: state, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { source.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-state.WaitSynced():
	case <-time.After(10 * time.Second):
		t.Fatal("the source was not read")
	}
	return client, w, state
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal(what)
		case <-tick.C:
		}
	}
}

func served(state *serving.State) *serving.Client {
	c := state.Snapshot().Client("any.example", fixture.TokenPath, fixture.ClientID)
	return c
}

func TestOnceSyncedEverythingThatWasThereIsServed(t *testing.T) {
	_, _, state := follow(t)
	if served(state) == nil || len(state.Problems()) != 0 {
		t.Errorf("the client is not served; problems %v", state.Problems())
	}
}

func TestAChangeAndADeletionAreFollowed(t *testing.T) {
	client, w, state := follow(t)
	w.Client.Suspended = true
	if _, err := client.CoreV1().Secrets(namespace).Update(t.Context(), object(t, w.Client).(*corev1.Secret), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change is not served", func() bool { return served(state).Suspended })
	if err := client.CoreV1().Secrets(namespace).Delete(t.Context(), w.Client.ObjectName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deleted client is served", func() bool { return served(state) == nil })
}

func TestAnObjectWithoutItsDocumentIsReportedAndReplacesNothing(t *testing.T) {
	client, w, state := follow(t)
	empty := object(t, w.Client).(*corev1.Secret)
	empty.Data = nil
	if _, err := client.CoreV1().Secrets(namespace).Update(t.Context(), empty, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not reported", func() bool {
		p := state.Problems()
		return len(p) == 1 && p[0].Object == w.Client.ObjectName()
	})
	if served(state) == nil {
		t.Error("the last good document is not served")
	}
}

func setData(o runtime.Object, data []byte) {
	switch o := o.(type) {
	case *corev1.Secret:
		o.Data = map[string][]byte{api.DataKey: data}
	case *corev1.ConfigMap:
		o.Data = map[string]string{api.DataKey: string(data)}
	}
}

func rename(o runtime.Object, name string) { o.(*corev1.ConfigMap).Name = name }
