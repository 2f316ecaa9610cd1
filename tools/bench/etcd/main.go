// Loads a cluster of three etcd processes on loopback as `troupe bench kv` loads a group of its own, and prints the
// same rows. Its servers are started here, live below --dir, and end with it.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	mathrand "math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
)

const (
	members    = 3
	keys       = 100000
	valueBytes = 256
	warmUp     = 10 // the first tenth of the time is not counted
	links      = 16 // a client of etcd has one connection; one for all would be the bottleneck
)

type row struct {
	What          string   `json:"what"`
	Clients       int      `json:"clients"`
	PerSecond     *float64 `json:"perSecond"`
	P50Ms         *float64 `json:"p50Ms"`
	P90Ms         *float64 `json:"p90Ms"`
	P99Ms         *float64 `json:"p99Ms"`
	Errors        uint64   `json:"errors"`
	ResidentBytes *uint64  `json:"residentBytes"`
	Mib           *float64 `json:"mib"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Ports that were free a moment ago.
func freePorts(count int) []int {
	var held []net.Listener
	var ports []int
	for i := 0; i < count; i++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		held = append(held, listener)
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	for _, listener := range held {
		listener.Close()
	}
	return ports
}

func startServers(dir string) (endpoints []string, servers []*exec.Cmd) {
	ports := freePorts(2 * members)
	var cluster []string
	for i := 0; i < members; i++ {
		cluster = append(cluster, fmt.Sprintf("m%d=http://127.0.0.1:%d", i, ports[members+i]))
	}
	for i := 0; i < members; i++ {
		client := fmt.Sprintf("http://127.0.0.1:%d", ports[i])
		peer := fmt.Sprintf("http://127.0.0.1:%d", ports[members+i])
		name := fmt.Sprintf("m%d", i)
		server := exec.Command("etcd", "--name", name, "--data-dir", filepath.Join(dir, name),
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
			"--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(cluster, ","),
			"--initial-cluster-state", "new", "--logger", "zap", "--log-level", "error",
			"--quota-backend-bytes", "8589934592")
		server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		check(server.Start())
		endpoints = append(endpoints, client)
		servers = append(servers, server)
	}
	return endpoints, servers
}

func dial(endpoint string) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second})
	check(err)
	return client
}

func leader(endpoints []string) string {
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(100 * time.Millisecond) {
		for _, endpoint := range endpoints {
			client := dial(endpoint)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			status, err := client.Status(ctx, endpoint)
			cancel()
			client.Close()
			if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
				return endpoint
			}
		}
	}
	log.Fatal("etcd has no leader")
	return ""
}

func percentile(sorted []time.Duration, percent int) *float64 {
	if len(sorted) == 0 {
		return nil
	}
	rank := (len(sorted)*percent+99)/100 - 1
	out := float64(sorted[rank]) / float64(time.Millisecond)
	return &out
}

type load func(client *clientv3.Client, number uint64) error

// Runs `clients` at once for a span, or until `most` are done.
func measure(what string, clients int, span time.Duration, most uint64, connections []*clientv3.Client, do load) row {
	begun := time.Now()
	counted := begun.Add(span / warmUp)
	end := begun.Add(span)
	var number, errors uint64
	delays := make([][]time.Duration, clients)
	var wait sync.WaitGroup
	for i := 0; i < clients; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			client := connections[i%len(connections)]
			for {
				from := time.Now()
				next := atomic.AddUint64(&number, 1)
				if !from.Before(end) || next > most {
					return
				}
				if err := do(client, next); err != nil {
					atomic.AddUint64(&errors, 1)
				} else if from.After(counted) {
					delays[i] = append(delays[i], time.Since(from))
				}
			}
		}(i)
	}
	wait.Wait()
	var all []time.Duration
	for _, some := range delays {
		all = append(all, some...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	perSecond := float64(len(all)) / time.Since(counted).Seconds()
	return row{What: what, Clients: clients, PerSecond: &perSecond, P50Ms: percentile(all, 50),
		P90Ms: percentile(all, 90), P99Ms: percentile(all, 99), Errors: errors}
}

func residentBytes(process int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", process))
	check(err)
	var all, resident uint64
	_, err = fmt.Sscan(string(text), &all, &resident)
	check(err)
	return resident * uint64(os.Getpagesize())
}

func main() {
	dir := flag.String("dir", "", "where the servers keep their data")
	seconds := flag.Float64("seconds", 2, "of each figure")
	puts := flag.Uint64("puts", 0, "measure instead the memory of a member after so many puts")
	flag.Parse()
	folder, err := os.MkdirTemp(*dir, "etcd-")
	check(err)
	defer os.RemoveAll(folder)
	endpoints, servers := startServers(folder)
	defer func() {
		for _, server := range servers {
			server.Process.Kill()
			server.Wait()
		}
	}()
	at := leader(endpoints)
	var connections []*clientv3.Client
	for i := 0; i < links; i++ {
		client := dial(at)
		defer client.Close()
		connections = append(connections, client)
	}
	value := make([]byte, valueBytes)
	_, err = rand.Read(value)
	check(err)
	key := func(number uint64) string { return fmt.Sprintf("key-%08d", number) }
	random := func() string { return key(uint64(mathrand.Int63n(keys))) }
	put := func(client *clientv3.Client, at string) error {
		_, err := client.Put(context.Background(), at, string(value))
		return err
	}
	var rows []row
	if *puts > 0 {
		one := measure("etcd.memory", 128, 24*time.Hour, *puts, connections,
			func(client *clientv3.Client, number uint64) error { return put(client, key(number%keys)) })
		most := uint64(0)
		for _, server := range servers {
			if now := residentBytes(server.Process.Pid); now > most {
				most = now
			}
		}
		mib := float64(most) / (1 << 20)
		rows = append(rows, row{What: one.What, Clients: one.Clients, Errors: one.Errors, ResidentBytes: &most, Mib: &mib})
	} else {
		span := time.Duration(*seconds * float64(time.Second))
		loads := []struct {
			what string
			do   load
		}{
			{"etcd.put", func(client *clientv3.Client, _ uint64) error { return put(client, random()) }},
			{"etcd.get", func(client *clientv3.Client, _ uint64) error {
				_, err := client.Get(context.Background(), random())
				return err
			}},
		}
		for _, one := range loads {
			for _, clients := range []int{1, 16, 128} {
				rows = append(rows, measure(one.what, clients, span, ^uint64(0), connections, one.do))
			}
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(rows))
}
