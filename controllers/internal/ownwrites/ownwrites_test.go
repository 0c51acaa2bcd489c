package ownwrites_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/ownwrites"
)

// behind is a client whose reads come from a cache that the test fills, and whose writes are answered with the version that the test sets.
type behind struct {
	client.Client
	cached  client.Object
	version string
	err     error
}

func (b *behind) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if b.err != nil {
		return b.err
	}
	switch from := b.cached.(type) {
	case *v1alpha1.OAuthClient:
		from.DeepCopyInto(into.(*v1alpha1.OAuthClient))
	case *v1alpha1.MerchantGateway:
		from.DeepCopyInto(into.(*v1alpha1.MerchantGateway))
	case *corev1.Secret:
		from.DeepCopyInto(into.(*corev1.Secret))
	}
	return nil
}

func (b *behind) Patch(_ context.Context, object client.Object, _ client.Patch, _ ...client.PatchOption) error {
	if b.err == nil {
		object.SetResourceVersion(b.version)
	}
	return b.err
}

func (b *behind) Status() client.SubResourceWriter { return &status{behind: b} }

type status struct {
	client.SubResourceWriter
	behind *behind
}

func (s *status) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.behind.Patch(ctx, object, patch)
}

// oauthClient is one of the given version; its status says which one.
func oauthClient(uid types.UID, version string) *v1alpha1.OAuthClient {
	c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "thales-d1", UID: uid, ResourceVersion: version}}
	c.Status.ClientID = "of-" + version
	return c
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cached *v1alpha1.OAuthClient // once version 20 is written
		after  time.Duration         // another resource is written
		want   string
	}{
		"the cache is behind":                        {oauthClient("a", "9"), 0, "20"},
		"the cache is behind, for some seconds":      {oauthClient("a", "9"), 9 * time.Second, "20"},
		"the cache is behind for too long":           {oauthClient("a", "9"), 11 * time.Second, "9"},
		"the cache has seen it":                      {oauthClient("a", "20"), 0, "20"},
		"the cache has seen a later one":             {oauthClient("a", "100"), 0, "100"},
		"the cache has another resource of its name": {oauthClient("b", "9"), 0, "9"},
		"the version is not a number":                {oauthClient("a", "x"), 0, "x"},
	} {
		for how, write := range map[string]func(context.Context, client.Client, client.Object) error{
			"resource": func(ctx context.Context, c client.Client, o client.Object) error { return c.Patch(ctx, o, nil) },
			"status": func(ctx context.Context, c client.Client, o client.Object) error {
				return c.Status().Patch(ctx, o, nil)
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				now := time.Unix(1e9, 0)
				under := &behind{version: "20", cached: tc.cached}
				c := ownwrites.New(under, func() time.Time { return now })
				mine := oauthClient("a", "9")
				mine.Status.ClientID = "of-20"
				if err := write(t.Context(), c, mine); err != nil {
					t.Fatal(err)
				}
				mine.Status.ClientID = "changed by the caller afterwards"
				now = now.Add(tc.after)
				other := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "thales-d1"}}
				if err := c.Patch(t.Context(), other, nil); err != nil {
					t.Fatal(err)
				}
				for range 2 { // it stays so
					got := &v1alpha1.OAuthClient{}
					if err := c.Get(t.Context(), client.ObjectKeyFromObject(mine), got); err != nil {
						t.Fatal(err)
					}
					if got.ResourceVersion != tc.want || got.Status.ClientID != "of-"+tc.want {
						t.Errorf("version %s with the status of %q, want %s", got.ResourceVersion, got.Status.ClientID, tc.want)
					}
				}
			})
		}
	}
}

func TestAResourceWhoseLastFinalizerWasRemovedIsReadWithoutIt(t *testing.T) {
	t.Parallel()
	held := oauthClient("a", "20")
	held.Finalizers, held.DeletionTimestamp = []string{v1alpha1.Finalizer}, &metav1.Time{Time: time.Unix(1e9, 0)}
	under := &behind{version: "20", cached: held} // the API server answers with the version from before
	c := ownwrites.New(under, time.Now)
	released := held.DeepCopy()
	released.Finalizers = nil
	if err := c.Patch(t.Context(), released, nil); err != nil {
		t.Fatal(err)
	}
	got := &v1alpha1.OAuthClient{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(held), got); err != nil || len(got.Finalizers) > 0 {
		t.Errorf("it is read with the finalizers %q, %v", got.Finalizers, err)
	}
	successor := oauthClient("b", "30")
	successor.Finalizers = held.Finalizers
	under.cached = successor
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(held), got); err != nil || got.UID != "b" || len(got.Finalizers) != 1 {
		t.Errorf("its successor is read as %s with the finalizers %q, %v", got.UID, got.Finalizers, err)
	}
}

func TestAMerchantGatewayIsReadAsWritten(t *testing.T) {
	t.Parallel()
	gateway := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "acme", ResourceVersion: "9"}}
	c := ownwrites.New(&behind{version: "20", cached: gateway.DeepCopy()}, time.Now)
	if err := c.Status().Patch(t.Context(), gateway.DeepCopy(), nil); err != nil {
		t.Fatal(err)
	}
	got := &v1alpha1.MerchantGateway{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(gateway), got); err != nil || got.ResourceVersion != "20" {
		t.Errorf("version %s, %v", got.ResourceVersion, err)
	}
}

func TestAFailedWriteAndAFailedReadStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	under := &behind{version: "20", cached: oauthClient("a", "9"), err: broken}
	c := ownwrites.New(under, time.Now)
	for _, err := range []error{c.Patch(t.Context(), oauthClient("a", "9"), nil), c.Status().Patch(t.Context(), oauthClient("a", "9"), nil)} {
		if !errors.Is(err, broken) {
			t.Errorf("the write answers %v", err)
		}
	}
	got := &v1alpha1.OAuthClient{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(under.cached), got); !errors.Is(err, broken) {
		t.Errorf("the read answers %v", err)
	}
	under.err = nil
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(under.cached), got); err != nil || got.ResourceVersion != "9" {
		t.Errorf("version %s, %v", got.ResourceVersion, err)
	}
}

func TestSecretsAreNeverRemembered(t *testing.T) {
	t.Parallel()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "thales-d1", ResourceVersion: "9"}}
	c := ownwrites.New(&behind{version: "20", cached: secret.DeepCopy()}, time.Now)
	if err := c.Patch(t.Context(), secret.DeepCopy(), nil); err != nil {
		t.Fatal(err)
	}
	got := &corev1.Secret{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(secret), got); err != nil || got.ResourceVersion != "9" {
		t.Errorf("version %s, %v", got.ResourceVersion, err)
	}
}

func TestAnswersAreForgottenInTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	under := &behind{version: "20"}
	c := ownwrites.New(under, func() time.Time { return now })
	const many = 100
	write := func(i int) *v1alpha1.OAuthClient {
		one := oauthClient("a", "9")
		one.Name = fmt.Sprintf("client-%d", i)
		if err := c.Patch(t.Context(), one.DeepCopy(), nil); err != nil {
			t.Fatal(err)
		}
		return one
	}
	for i := range many {
		under.cached = write(i)
		now = now.Add(time.Second)
	}
	remembered := 0
	for i := range many {
		under.cached.SetName(fmt.Sprintf("client-%d", i))
		got := &v1alpha1.OAuthClient{}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(under.cached), got); err != nil {
			t.Fatal(err)
		}
		if got.ResourceVersion == "20" {
			remembered++
		}
	}
	if remembered != 11 { // those of the last ten seconds
		t.Errorf("%d of %d are remembered", remembered, many)
	}
}
