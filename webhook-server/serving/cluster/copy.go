package cluster

import (
	"context"
	"sync"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

// runCopy writes the copy until stop is called, and then what was applied before.
func (s *Source) runCopy(ctx context.Context, running *sync.WaitGroup) (stop func()) {
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	running.Go(func() {
		s.options.Copy.Run(ctx)
		_ = s.options.Copy.Close() // every file in it is closed
	})
	return stop
}

// serveCopy serves the last good copy until the API server has answered. Without any it waits on: a server that knows no document would
// tell D1 that its gateways do not exist.
func (s *Source) serveCopy() {
	documents, err := s.options.Copy.Load()
	if err != nil {
		s.options.Logger.Error("the API server does not answer, and the copy of the serving documents cannot be read", "error", err)
		return
	}
	if len(documents) == 0 {
		s.options.Logger.Error("the API server does not answer, and there is no copy of the serving documents yet")
		return
	}
	updates := make([]serving.Update, len(documents))
	for i, d := range documents {
		updates[i] = serving.Update{Object: d.Name, Data: d.Data}
	}
	s.options.State.ApplyBatch(serving.Batch{Updates: updates, Copy: true})
	s.options.State.MarkSynced()
	s.options.Logger.Warn("the API server does not answer, the last good copy of the serving documents is served", "documents", len(documents))
}

// copy brings the copy up to what was applied. What was refused waits until it is accepted or gone, so that the copy keeps what is served
// in its place.
func (s *Source) copy(changes map[string]change) {
	if s.options.Copy == nil {
		return
	}
	for object, c := range changes {
		if c.data == nil {
			delete(s.uncopied, object)
			s.options.Copy.Delete(c.resource, object)
			continue
		}
		s.uncopied[object] = c
	}
	refused := map[string]bool{}
	for _, p := range s.options.State.Problems() {
		refused[p.Object] = true
	}
	for object, c := range s.uncopied {
		if refused[object] {
			continue
		}
		s.options.Copy.Put(lastgood.Document{Resource: c.resource, Name: object, ResourceVersion: c.resourceVersion, Data: c.data})
		delete(s.uncopied, object)
	}
}
