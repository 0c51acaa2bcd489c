package testenv

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// Calls stands between the reconcilers and the API server: it notes what they write and read, and refuses what a test wants refused.
// A call is noted as "verb Type name", for example "apply Secret client.payments.thales-d1" or "status OAuthClient thales-d1".
type Calls struct {
	mu     sync.Mutex
	writes []string
	reads  []string
	refuse func(call string) error
}

// Refuse makes calls fail for which refuse answers an error; nil refuses nothing any more.
func (c *Calls) Refuse(refuse func(call string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = refuse
}

// Writes answers the writes so far, refused ones included.
func (c *Calls) Writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes)
}

// Reads answers how often an object was read from the API server or the cache.
func (c *Calls) Reads(kind, name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := 0
	for _, read := range c.reads {
		if read == "get "+kind+" "+name {
			count++
		}
	}
	return count
}

func (c *Calls) write(verb string, object any) error {
	call := verb + " " + describe(object)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, call)
	if c.refuse == nil {
		return nil
	}
	return c.refuse(call)
}

func describe(object any) string {
	kind := fmt.Sprintf("%T", object)
	kind = strings.TrimSuffix(kind[strings.LastIndex(kind, ".")+1:], "ApplyConfiguration")
	switch o := object.(type) {
	case client.Object:
		return kind + " " + o.GetName()
	case interface{ GetName() *string }:
		return kind + " " + *o.GetName()
	default:
		return kind
	}
}

// Funcs answers what StartOperator takes.
func (c *Calls) Funcs() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			kind := describe(object)
			c.mu.Lock()
			c.reads = append(c.reads, "get "+strings.TrimSpace(kind[:strings.Index(kind+" ", " ")])+" "+key.Name)
			c.mu.Unlock()
			return next.Get(ctx, key, object, options...)
		},
		Create: func(ctx context.Context, next client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if err := c.write("create", object); err != nil {
				return err
			}
			return next.Create(ctx, object, options...)
		},
		Update: func(ctx context.Context, next client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			if err := c.write("update", object); err != nil {
				return err
			}
			return next.Update(ctx, object, options...)
		},
		Delete: func(ctx context.Context, next client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			if err := c.write("delete", object); err != nil {
				return err
			}
			return next.Delete(ctx, object, options...)
		},
		Patch: func(ctx context.Context, next client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if err := c.write("patch", object); err != nil {
				return err
			}
			return next.Patch(ctx, object, patch, options...)
		},
		Apply: func(ctx context.Context, next client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			if err := c.write("apply", object); err != nil {
				return err
			}
			return next.Apply(ctx, object, options...)
		},
		SubResourcePatch: func(ctx context.Context, next client.Client, sub string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if err := c.write(sub, object); err != nil {
				return err
			}
			return next.SubResource(sub).Patch(ctx, object, patch, options...)
		},
	}
}
