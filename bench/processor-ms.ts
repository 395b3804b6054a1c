/** Milliseconds that this process has had of the processors, all of its threads together. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
