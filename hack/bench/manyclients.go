package main

import (
	"context"
	"fmt"
	"time"
)

func manyClientsFigure() figure {
	return figure{
		name:      "clients-10000-vs-floor",
		about:     "time until 10,000 clients that are created at once are Ready, with the real operator, server and API server, against the time in which a plain client-go program makes the same writes for as many",
		goal:      1.5,
		direction: atMost,
		measure:   measureManyClients,
	}
}

// manyClientsDetail is what the JSON file says of it.
type manyClientsDetail struct {
	Clients         int     `json:"clients"`
	Gateways        int     `json:"gateways"`
	OperatorSeconds float64 `json:"operatorSeconds"`
	FloorSeconds    float64 `json:"floorSeconds"`
	FloorWorkers    int     `json:"floorWorkers"`
	// FloorTrials are the seconds that numbers of workers took for a small part.
	FloorTrials map[int]float64 `json:"floorTrials"`
	// Requests and FloorRequests are what the API server was asked for meanwhile, RequestsForOne what the operator asked for a single client.
	Requests       counts `json:"requests"`
	FloorRequests  counts `json:"floorRequests"`
	RequestsForOne counts `json:"requestsForOne"`
	// The CPU seconds of the API server say what it was asked for on a machine that others use too.
	APIServerCPU      float64 `json:"apiServerCPUSeconds"`
	FloorAPIServerCPU float64 `json:"floorAPIServerCPUSeconds"`
	Operator          usage   `json:"operator"`
	Server            usage   `json:"server"`
}

func measureManyClients(ctx context.Context, s *session) (measurement, error) {
	f, err := s.shared.measured(ctx, s)
	if err != nil {
		return measurement{}, err
	}
	d := manyClientsDetail{
		Clients: s.fleet.clients, Gateways: s.fleet.gateways, OperatorSeconds: round(f.batch.took.Seconds(), 2),
		Requests: f.batch.requests, APIServerCPU: f.batch.apiServer, RequestsForOne: count(f.world.recorded), Operator: f.operator, Server: f.server,
	}
	c, err := startCluster(ctx, s, "floor")
	if err != nil {
		return measurement{}, err
	}
	if err := d.measureFloor(ctx, c, f.world); err != nil {
		return measurement{}, fmt.Errorf("floor: %w", err)
	}
	return measurement{value: d.OperatorSeconds / d.FloorSeconds, words: d.words(), detail: d}, nil
}

// measureFloor has the floor make the same clients on an API server of its own, which is as empty as the other was.
func (d *manyClientsDetail) measureFloor(ctx context.Context, c *cluster, w *world) error {
	r, err := newReplay(c, w.sample, w.recorded)
	if err != nil {
		return err
	}
	if err := d.chooseWorkers(ctx, r); err != nil {
		return err
	}
	before, err := c.requests(ctx)
	if err != nil {
		return err
	}
	used, err := c.usage(ctx)
	if err != nil {
		return err
	}
	took, err := r.run(ctx, 0, d.Clients, d.Gateways, d.FloorWorkers)
	if err != nil {
		return err
	}
	usedThen, err := c.usage(ctx)
	if err != nil {
		return err
	}
	d.FloorAPIServerCPU = round(usedThen.CPUSeconds-used.CPUSeconds, 1)
	after, err := c.requests(ctx)
	d.FloorSeconds, d.FloorRequests = round(took.Seconds(), 2), after.since(before)
	return err
}

// chooseWorkers has a small part made by several numbers of workers. The one that does best makes the whole. What comes first is
// slow, for the API server warms up; the operator's was warm too.
func (d *manyClientsDetail) chooseWorkers(ctx context.Context, r *replay) error {
	part := max(1, d.Clients/20)
	d.FloorTrials = map[int]float64{}
	var best time.Duration
	for i, workers := range []int{1, 8, 16, 32} {
		begin := d.Clients + i*part
		took, err := r.run(ctx, begin, begin+part, d.Gateways, workers)
		if err != nil {
			return err
		}
		if workers == 1 {
			continue
		}
		d.FloorTrials[workers] = round(took.Seconds(), 3)
		if best == 0 || took < best {
			best, d.FloorWorkers = took, workers
		}
	}
	return nil
}

func (d *manyClientsDetail) words() []string {
	return []string{
		fmt.Sprintf("%d clients on %d gateways are Ready after %.1f s: %s", d.Clients, d.Gateways, d.OperatorSeconds, d.Requests),
		fmt.Sprintf("the floor takes %.1f s with %d workers: %s", d.FloorSeconds, d.FloorWorkers, d.FloorRequests),
		fmt.Sprintf("a small part takes it, in seconds by the number of workers: %v", d.FloorTrials),
		fmt.Sprintf("meanwhile the API server has used %.1f CPU seconds, and %.1f for the floor", d.APIServerCPU, d.FloorAPIServerCPU),
		fmt.Sprintf("for one client alone the operator asks for %s", d.RequestsForOne),
		fmt.Sprintf("then the operator has used %.1f CPU seconds and %.0f MB, the server %.1f CPU seconds and %.0f MB",
			d.Operator.CPUSeconds, d.Operator.ResidentMB, d.Server.CPUSeconds, d.Server.ResidentMB),
	}
}
