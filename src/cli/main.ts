#!/usr/bin/env node
import { useProxy } from '../platform/proxy.ts'
import { openTerminal } from '../platform/terminal.ts'
import { runCli } from './run.ts'

await useProxy()
await runCli(openTerminal())
